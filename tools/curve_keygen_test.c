/* SPDX-License-Identifier: ISC */
/*
 * Runs curve_keygen as its users do: output formats, certificate files and their modes, and that nothing is ever
 * replaced or left half written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { KEY_LENGTH = 40, OUTPUT_MAX = 4096 };

/* One test's folder; made by setup and removed by teardown. */
static char folder[32];

/* Runs the tool with arguments for the shell, in the test's folder; returns its exit status. */
static int run(const char *arguments, char *output)
{
    char command[OUTPUT_MAX];
    size_t length;
    FILE *pipe;
    int status;

    (void)snprintf(command, sizeof(command), "cd '%s' && '%s' %s", folder, CURVE_KEYGEN, arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    length = fread(output, 1, OUTPUT_MAX - 1, pipe);
    output[length] = '\0';
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void path_of(char *path, const char *name)
{
    (void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
}

static void read_file(const char *name, char *text)
{
    char path[PATH_MAX];
    size_t length;
    FILE *file;

    path_of(path, name);
    file = fopen(path, "r");
    assert_non_null(file);
    length = fread(text, 1, OUTPUT_MAX - 1, file);
    text[length] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;

    path_of(path, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static mode_t mode_of(const char *name)
{
    char path[PATH_MAX];
    struct stat status;

    path_of(path, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static int count_files(void)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    assert_int_equal(closedir(dir), 0);
    return count;
}

/* Finds before in the text, copies the key behind it and returns what follows the key. */
static const char *take_key(const char *text, const char *before, char *key)
{
    const char *at = strstr(text, before);

    assert_non_null(at);
    at += strlen(before);
    assert_true(strlen(at) >= KEY_LENGTH);
    memcpy(key, at, KEY_LENGTH);
    key[KEY_LENGTH] = '\0';
    return at + KEY_LENGTH;
}

static void assert_keys_match(const char *public_key, const char *secret_key)
{
    char derived[KEY_LENGTH + 1];
    uint8_t raw[32];

    assert_non_null(zmq_z85_decode(raw, public_key));
    assert_int_equal(zmq_curve_public(derived, secret_key), 0);
    assert_string_equal(derived, public_key);
}

static void text_output(void **state)
{
    char output[OUTPUT_MAX];
    char again[OUTPUT_MAX];
    char public_key[KEY_LENGTH + 1];
    char secret_key[KEY_LENGTH + 1];
    const char *rest;

    (void)state;
    assert_int_equal(run("", output), 0);
    rest = take_key(output, "== CURVE PUBLIC KEY ==\n", public_key);
    assert_ptr_equal(strstr(rest, "\n\n== CURVE SECRET KEY ==\n"), rest);
    rest = take_key(rest, "== CURVE SECRET KEY ==\n", secret_key);
    assert_string_equal(rest, "\n");
    assert_keys_match(public_key, secret_key);

    assert_int_equal(run("", again), 0);
    assert_string_not_equal(output, again);
}

static void json_output(void **state)
{
    char output[OUTPUT_MAX];
    char public_key[KEY_LENGTH + 1];
    char secret_key[KEY_LENGTH + 1];
    const char *rest;

    (void)state;
    assert_int_equal(run("--json", output), 0);
    rest = take_key(output, "{\n \"public\": \"", public_key);
    rest = take_key(rest, "\",\n \"secret\": \"", secret_key);
    assert_string_equal(rest, "\"\n}\n");
    assert_keys_match(public_key, secret_key);
}

static void certificate_files(void **state)
{
    char text[OUTPUT_MAX];
    char public_key[KEY_LENGTH + 1];
    char shown_key[KEY_LENGTH + 1];
    char secret_key[KEY_LENGTH + 1];
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(run("--out . --name server", text), 0);
    (void)umask(mask);
    assert_string_equal(text, "./server.key\n./server.key_secret\n");
    assert_int_equal(count_files(), 2);
    assert_int_equal(mode_of("server.key_secret"), 0600);
    assert_int_equal(mode_of("server.key"), 0644);

    read_file("server.key", text);
    (void)take_key(text, "\nmetadata\n    name = \"server\"\ncurve\n    public-key = \"", public_key);
    assert_null(strstr(text, "secret-key"));
    read_file("server.key_secret", text);
    (void)take_key(text, "\nmetadata\n    name = \"server\"\ncurve\n    public-key = \"", shown_key);
    (void)take_key(text, "\"\n    secret-key = \"", secret_key);
    assert_string_equal(shown_key, public_key);
    assert_keys_match(public_key, secret_key);
}

static void default_name(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    assert_int_equal(run("-o .", text), 0);
    assert_string_equal(text, "./curve.key\n./curve.key_secret\n");
    assert_int_equal(count_files(), 2);
}

static void longest_name(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    assert_int_equal(run("--out . --name $(printf '%200s' | tr ' ' a)", text), 0);
    assert_int_equal(strlen(text), strlen("./.key\n./.key_secret\n") + 200 + 200);
    assert_int_equal(count_files(), 2);
}

static void keeps_existing_secret(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    write_file("a.key_secret", "precious");
    assert_int_equal(run("--out . --name a 2>&1", text), 1);
    assert_non_null(strstr(text, "a.key_secret: File exists"));
    read_file("a.key_secret", text);
    assert_string_equal(text, "precious");
    assert_int_equal(count_files(), 1);
}

static void keeps_existing_public(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    write_file("a.key", "precious");
    assert_int_equal(run("--out . --name a 2>&1", text), 1);
    assert_non_null(strstr(text, "a.key: File exists"));
    read_file("a.key", text);
    assert_string_equal(text, "precious");
    assert_int_equal(count_files(), 1);
}

static void follows_no_link(void **state)
{
    char path[PATH_MAX];
    char text[OUTPUT_MAX];

    (void)state;
    path_of(path, "a.key_secret");
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(run("--out . --name a 2>/dev/null", text), 1);
    assert_int_equal(count_files(), 1);
}

static void leaves_nothing_when_the_disk_refuses(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    /* No file may grow beyond 0 blocks; SIGXFSZ ignored, so that write(2) fails. */
    assert_int_equal(
        run("--version >/dev/null && trap '' XFSZ && ulimit -f 0 && '" CURVE_KEYGEN "' -o . 2>/dev/null", text), 1);
    assert_int_equal(count_files(), 0);
}

static void reports_lost_output(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    assert_int_equal(run("2>&1 >/dev/full", text), 1);
    assert_non_null(strstr(text, "standard output"));
    assert_int_equal(run("--json 2>&1 >&-", text), 1);
    assert_non_null(strstr(text, "standard output"));
    assert_int_equal(run("--help 2>/dev/null >/dev/full", text), 1);
    assert_int_equal(run("--version 2>/dev/null >/dev/full", text), 1);
}

static void refuses_wrong_usage(void **state)
{
    static const char *const wrong[] = {
        "--bogus",
        "extra",
        "--out",
        "--name x",
        "--json --out .",
        "--out . --name ''",
        "--out . --name a/b",
        "--out . --name ../a",
        "--out . --name .a",
        "--out . --name \"$(printf 'a\\nb')\"",
        "--out . --name $(printf '%201s' | tr ' ' a)",
        "--out . --name 'a\"b'",
        "--out . --name \"$(printf 'a\377')\"",
    };
    char command[OUTPUT_MAX];
    char text[OUTPUT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(command, sizeof(command), "%s 2>/dev/null", wrong[i]);
        assert_int_equal(run(command, text), 2);
        assert_string_equal(text, "");
        assert_int_equal(count_files(), 0);
    }
    assert_int_equal(run("--out missing 2>/dev/null", text), 1);
    assert_int_equal(run("--out '' 2>/dev/null", text), 1);
}

static void help_and_version(void **state)
{
    char text[OUTPUT_MAX];

    (void)state;
    assert_int_equal(run("--help", text), 0);
    assert_ptr_equal(strstr(text, "Usage: curve_keygen"), text);
    assert_int_equal(run("--version", text), 0);
    assert_ptr_equal(strstr(text, "curve_keygen (Ironhouse) 4."), text);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "curve_keygen_test.XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir = opendir(folder);

    (void)state;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_output, setup, teardown),
        cmocka_unit_test_setup_teardown(json_output, setup, teardown),
        cmocka_unit_test_setup_teardown(certificate_files, setup, teardown),
        cmocka_unit_test_setup_teardown(default_name, setup, teardown),
        cmocka_unit_test_setup_teardown(longest_name, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_existing_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_existing_public, setup, teardown),
        cmocka_unit_test_setup_teardown(follows_no_link, setup, teardown),
        cmocka_unit_test_setup_teardown(leaves_nothing_when_the_disk_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(reports_lost_output, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_wrong_usage, setup, teardown),
        cmocka_unit_test_setup_teardown(help_and_version, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
