/* SPDX-License-Identifier: ISC */
/* Certificates: keys, metadata, files and their modes, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/z85.h"
#include "libcurve/cert.h"

/* The example keys of zmq_curve(7). */
#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define KEYS "curve\n    public-key = \"" PUBLIC "\"\n"
#define BOTH KEYS "    secret-key = \"" SECRET "\"\n"

static char folder[32];

static int setup(void **state)
{
    (void)state;
    (void)strcpy(folder, "/tmp/curve-cert-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static mode_t mode_of(const char *name)
{
    struct stat status;

    assert_int_equal(stat(path_of(name), &status), 0);
    return status.st_mode & 07777;
}

static bool exists(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static curve_cert_t *parse(const char *text)
{
    curve_cert_t *cert = NULL;

    assert_int_equal(ih_cert_parse(&cert, text, strlen(text)), 0);
    assert_string_equal(curve_cert_public_text(cert), PUBLIC);
    return cert;
}

static void refuse(const char *text)
{
    curve_cert_t *cert = NULL;

    assert_int_equal(ih_cert_parse(&cert, text, strlen(text)), -EINVAL);
    assert_null(cert);
}

static void test_new(void **state)
{
    curve_cert_t *cert = curve_cert_new();
    curve_cert_t *other = curve_cert_new();
    uint8_t key[CURVE_KEY_SIZE];

    (void)state;
    assert_non_null(cert);
    assert_non_null(other);
    assert_memory_not_equal(curve_cert_public_key(cert), curve_cert_public_key(other), CURVE_KEY_SIZE);
    assert_int_equal(strlen(curve_cert_public_text(cert)), CURVE_KEY_TEXT - 1);
    assert_int_equal(ih_z85_decode(key, curve_cert_public_text(cert), CURVE_KEY_TEXT - 1), 0);
    assert_memory_equal(key, curve_cert_public_key(cert), CURVE_KEY_SIZE);
    assert_non_null(curve_cert_secret_key(cert));
    curve_cert_destroy(&cert);
    assert_null(cert);
    curve_cert_destroy(&cert);
    curve_cert_destroy(&other);
}

static void test_from(void **state)
{
    curve_cert_t *cert = curve_cert_new();
    curve_cert_t *other = curve_cert_new();
    curve_cert_t *half = curve_cert_from(curve_cert_public_key(cert), NULL);

    (void)state;
    assert_non_null(half);
    assert_null(curve_cert_secret_key(half));
    assert_string_equal(curve_cert_public_text(half), curve_cert_public_text(cert));
    errno = 0;
    assert_null(curve_cert_from(curve_cert_public_key(cert), curve_cert_secret_key(other)));
    assert_int_equal(errno, EINVAL);
    assert_null(curve_cert_from(NULL, NULL));
    assert_int_equal(errno, EFAULT);
    curve_cert_destroy(&cert);
    curve_cert_destroy(&other);
    curve_cert_destroy(&half);
}

static void refuse_meta(curve_cert_t *cert, const char *name, const char *value)
{
    errno = 0;
    assert_int_equal(curve_cert_set_meta(cert, name, value), -1);
    assert_int_equal(errno, EINVAL);
}

static void test_meta(void **state)
{
    curve_cert_t *cert = curve_cert_new();
    curve_cert_t *copy = NULL;

    (void)state;
    assert_int_equal(curve_cert_set_meta(cert, "name", "Bob"), 0);
    assert_int_equal(curve_cert_set_meta(cert, "a/b.c-d_e+F9", "h\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80"), 0);
    assert_int_equal(curve_cert_set_meta(cert, "last", ""), 0);
    assert_int_equal(curve_cert_set_meta(cert, "name", "Alice"), 0);
    assert_string_equal(curve_cert_meta(cert, "name"), "Alice");
    assert_string_equal(curve_cert_meta_name(cert, 0), "name");
    assert_int_equal(curve_cert_set_meta(cert, "name", NULL), 0);
    assert_null(curve_cert_meta(cert, "name"));
    assert_string_equal(curve_cert_meta_name(cert, 0), "a/b.c-d_e+F9");
    assert_string_equal(curve_cert_meta_name(cert, 1), "last");
    assert_null(curve_cert_meta_name(cert, 2));
    copy = curve_cert_dup(cert);
    assert_string_equal(curve_cert_meta(copy, "last"), "");
    assert_memory_equal(curve_cert_secret_key(copy), curve_cert_secret_key(cert), CURVE_KEY_SIZE);
    curve_cert_destroy(&copy);
    curve_cert_destroy(&cert);
}

static void test_meta_refused(void **state)
{
    static const char *const values[] = {
        "a\nb",     "a\rb", "\"",    "a\tb",         "\x1b[0m",      "\x7f",         "\xc2\x85",         "\xff",
        "\xc0\x80", "\xc3", "\xc3(", "\xed\xa0\x80", "\xe2\x80\xa8", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf8\x80"};
    curve_cert_t *cert = curve_cert_new();
    char *longest = calloc(1, IH_CERT_VALUE_MAX + 2);
    char name[8];

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        refuse_meta(cert, "name", values[i]);
    refuse_meta(cert, "", "x");
    refuse_meta(cert, "a b", "x");
    refuse_meta(cert, "a=b", "x");
    refuse_meta(cert, "a b", NULL);
    memset(longest, 'y', IH_CERT_VALUE_MAX);
    assert_int_equal(curve_cert_set_meta(cert, "n", longest), 0);
    longest[IH_CERT_VALUE_MAX] = 'y';
    refuse_meta(cert, "n", longest);
    longest[IH_CERT_NAME_MAX + 1] = '\0';
    refuse_meta(cert, longest, "x");
    longest[IH_CERT_NAME_MAX] = '\0';
    assert_int_equal(curve_cert_set_meta(cert, longest, "x"), 0);
    for (int i = 2; i < IH_CERT_META_MAX; i++) {
        (void)snprintf(name, sizeof(name), "x%d", i);
        assert_int_equal(curve_cert_set_meta(cert, name, "x"), 0);
    }
    refuse_meta(cert, "more", "x");
    free(longest);
    curve_cert_destroy(&cert);
}

static void test_save_and_load(void **state)
{
    char file[PATH_MAX];
    curve_cert_t *cert = curve_cert_new();
    curve_cert_t *loaded = NULL;

    (void)state;
    (void)strcpy(file, path_of("bob.key"));
    assert_int_equal(curve_cert_set_meta(cert, "name", "Bob # 'x' \\"), 0);
    (void)umask(0);
    assert_int_equal(curve_cert_save(cert, file), 0);
    (void)umask(022);
    assert_int_equal(mode_of("bob.key"), 0644);
    assert_int_equal(mode_of("bob.key_secret"), 0600);
    loaded = curve_cert_load(file);
    assert_non_null(loaded);
    assert_memory_equal(curve_cert_secret_key(loaded), curve_cert_secret_key(cert), CURVE_KEY_SIZE);
    assert_string_equal(curve_cert_meta(loaded, "name"), "Bob # 'x' \\");
    assert_int_equal(curve_cert_exposed(loaded), 0);
    curve_cert_destroy(&loaded);
    assert_int_equal(unlink(path_of("bob.key_secret")), 0);
    loaded = curve_cert_load(file);
    assert_null(curve_cert_secret_key(loaded));
    assert_string_equal(curve_cert_public_text(loaded), curve_cert_public_text(cert));
    errno = 0;
    assert_int_equal(curve_cert_save(loaded, file), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(curve_cert_save_public(loaded, file), 0);
    curve_cert_destroy(&loaded);
    curve_cert_destroy(&cert);
}

/* The owner's old file, wide open, is replaced by one that is not; nothing else is left in the folder. */
static void test_replaces(void **state)
{
    char file[PATH_MAX];
    char command[PATH_MAX];
    curve_cert_t *cert = curve_cert_new();
    curve_cert_t *loaded = NULL;

    (void)state;
    (void)strcpy(file, path_of("k"));
    write_file("k_secret", BOTH, 0644);
    assert_int_equal(link(path_of("k_secret"), strcat(strcpy(command, folder), "/other")), 0);
    assert_int_equal(curve_cert_save(cert, file), 0);
    assert_int_equal(mode_of("k_secret"), 0600);
    loaded = curve_cert_load(file);
    assert_string_equal(curve_cert_public_text(loaded), curve_cert_public_text(cert));
    curve_cert_destroy(&loaded);
    loaded = curve_cert_load(path_of("other"));
    assert_string_equal(curve_cert_public_text(loaded), PUBLIC);
    curve_cert_destroy(&loaded);
    (void)snprintf(command, sizeof(command), "test $(ls -A '%s' | wc -l) = 3", folder);
    assert_int_equal(system(command), 0);
    curve_cert_destroy(&cert);
}

/* A folder in the place of the public file: the drafts are taken away. */
static void test_failed_save(void **state)
{
    char command[PATH_MAX];
    curve_cert_t *cert = curve_cert_new();

    (void)state;
    assert_int_equal(mkdir(path_of("k"), 0700), 0);
    errno = 0;
    assert_int_equal(curve_cert_save_public(cert, path_of("k")), -1);
    assert_int_equal(errno, EISDIR);
    (void)snprintf(command, sizeof(command), "test $(ls -A '%s' | wc -l) = 1", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(curve_cert_save(cert, path_of("none/k")), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(curve_cert_save(cert, path_of("")), -1);
    assert_int_equal(errno, EINVAL);
    curve_cert_destroy(&cert);
}

static void test_exposed(void **state)
{
    static const mode_t modes[] = {0604, 0640, 0602, 0610};
    curve_cert_t *cert = NULL;
    curve_cert_t *copy = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        write_file("k_secret", BOTH, modes[i]);
        cert = curve_cert_load(path_of("k"));
        copy = curve_cert_dup(cert);
        assert_int_equal(curve_cert_exposed(copy), 1);
        curve_cert_destroy(&cert);
        curve_cert_destroy(&copy);
    }
    write_file("k_secret", KEYS, 0644);
    cert = curve_cert_load(path_of("k"));
    assert_int_equal(curve_cert_exposed(cert), 0);
    curve_cert_destroy(&cert);
}

/* FILE_secret may be anybody's: what lies beside a public certificate does not change whose it is. */
static void test_load_public_alone(void **state)
{
    const char *file = path_of("mine");
    curve_cert_t *mine = curve_cert_new();
    curve_cert_t *other = curve_cert_new();
    curve_cert_t *loaded = NULL;

    (void)state;
    assert_int_equal(curve_cert_save_public(mine, file), 0);
    assert_int_equal(curve_cert_save_secret(other, file), 0);
    loaded = curve_cert_load_public(file);
    assert_non_null(loaded);
    assert_string_equal(curve_cert_public_text(loaded), curve_cert_public_text(mine));
    curve_cert_destroy(&loaded);
    loaded = curve_cert_load_public(path_of("mine_secret"));
    assert_non_null(loaded);
    assert_null(curve_cert_secret_key(loaded));
    assert_int_equal(curve_cert_exposed(loaded), 0);
    curve_cert_destroy(&loaded);
    assert_null(curve_cert_load_public(path_of("none")));
    assert_int_equal(errno, ENOENT);
    curve_cert_destroy(&mine);
    curve_cert_destroy(&other);
}

static void test_load_failures(void **state)
{
    (void)state;
    errno = 0;
    assert_null(curve_cert_load(path_of("none")));
    assert_int_equal(errno, ENOENT);
    assert_null(curve_cert_load(folder));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_null(curve_cert_load(path_of("pipe")));
    assert_int_equal(errno, EINVAL);
    /* A broken secret file is not passed over in favour of the public one. */
    write_file("k", KEYS, 0644);
    write_file("k_secret", "curve\n", 0600);
    assert_null(curve_cert_load(path_of("k")));
    assert_int_equal(errno, EINVAL);
    assert_true(exists("k"));
}

static void test_forms(void **state)
{
    static const char *const texts[] = {
        "metadata\n    name = \"Bob\"\n" KEYS,
        "metadata\n    name = Bob   # who\n" KEYS,
        "metadata\n    name = Bob#who\n" KEYS,
        "metadata\n    name='Bob'\t# who\n" KEYS,
        "\n  # x\nmetadata\r\n\r\n    name = \"Bob\"\r\n" KEYS,
        KEYS "metadata\n    name = \"Bob\"\n    name = \"Eve\"\n",
        "metadata = \"x\"\n    name = Bob\n        deep = \"x\"\n" KEYS,
        "other\n    name = Eve\n    public-key = x\nmetadata\n    name = Bob\n" KEYS,
        "metadata\n    name = Bob\ncurve\n    public-key = " PUBLIC "\n    other",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        curve_cert_t *cert = parse(texts[i]);

        assert_string_equal(curve_cert_meta(cert, "name"), "Bob");
        assert_null(curve_cert_meta(cert, "deep"));
        assert_null(curve_cert_secret_key(cert));
        curve_cert_destroy(&cert);
    }
}

static void test_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        "hello",
        "curve\n",
        "metadata\n    name = \"Bob\"\n",
        "metadata\n    name = \"Bob\n" KEYS,
        "metadata\n    name = \"Bob\" x\n" KEYS,
        "metadata\n    name \"Bob\"\n" KEYS,
        "metadata\n   name = \"Bob\"\n" KEYS,
        "metadata\n\tname = \"Bob\"\n" KEYS,
        "metadata\n        name = \"Bob\"\n" KEYS,
        "    name = \"Bob\"\n" KEYS,
        "metadata\n    na*me = \"Bob\"\n" KEYS,
        "metadata\n    na me = \"Bob\"\n" KEYS,
        "metadata\n    name = \"\xff\"\n" KEYS,
        "metadata\n    name = \"\x1b\"\n" KEYS,
        "metadata\nmetadata\n" KEYS,
        KEYS KEYS,
        BOTH "    secret-key = \"" SECRET "\"\n",
        KEYS "    public-key = \"" PUBLIC "\"\n",
        "curve\n    public-key = \"abc\"\n",
        "curve\n    public-key = \"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\"\n",
        "curve\n    public-key = \"0000000000000000000000000000000000000000\"\n",
        "curve\n    secret-key = \"" SECRET "\"\n",
        KEYS "    secret-key = \"" PUBLIC "\"\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        refuse(texts[i]);
}

static void test_no_secret_but_zeros(void **state)
{
    curve_cert_t *cert = parse(KEYS "    secret-key = \"0000000000000000000000000000000000000000\"\n");

    (void)state;
    assert_null(curve_cert_secret_key(cert));
    curve_cert_destroy(&cert);
}

static void test_limits(void **state)
{
    static char text[IH_CERT_TEXT_MAX + 64];
    static const char nul[] = "metadata\n    name = \"B\0b\"\n" KEYS;
    curve_cert_t *cert = NULL;
    size_t size = strlen(KEYS);

    (void)state;
    assert_int_equal(ih_cert_parse(&cert, nul, sizeof(nul) - 1), -EINVAL);
    /* Comments up to the largest text; one octet more. */
    memcpy(text, KEYS, size);
    for (size_t i = size; i < sizeof(text); i++)
        text[i] = i % 1024 ? '#' : '\n';
    assert_int_equal(ih_cert_parse(&cert, text, IH_CERT_TEXT_MAX), 0);
    curve_cert_destroy(&cert);
    assert_int_equal(ih_cert_parse(&cert, text, IH_CERT_TEXT_MAX + 1), -EINVAL);
    /* A line that is too long. */
    memset(text + size, '#', 9000);
    assert_int_equal(ih_cert_parse(&cert, text, size + 9000), -EINVAL);
    assert_null(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_meta),
        cmocka_unit_test(test_meta_refused),
        cmocka_unit_test_setup_teardown(test_save_and_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_save, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exposed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_public_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_failures, setup, teardown),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_no_secret_but_zeros),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
