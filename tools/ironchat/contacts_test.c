/* SPDX-License-Identifier: ISC */
/* The contacts file: what it says, its errors by line, and that it is never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ironchat/contacts.h"
#include "ironchat/file.h"

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_Z "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo"

/* One test's folder, file and complaints. */
static char folder[64], path[128], complaints[2048];

static void note(void *arg, const char *file, int line, const char *what)
{
    size_t used = strlen(complaints);

    (void)arg;
    assert_string_equal(file, path);
    (void)snprintf(complaints + used, sizeof complaints - used, "%d: %s\n", line, what);
}

static void put(const char *text)
{
    assert_int_equal(chat_file_write(path, text, strlen(text), NULL), 0);
}

static void expect(const char *text)
{
    char *data;
    size_t size;

    assert_int_equal(chat_file_read(path, 1 << 20, &data, &size, NULL), 0);
    assert_string_equal(data, text);
    free(data);
}

static void no_file_is_an_empty_list(void **state)
{
    struct chat_contacts contacts = {.count = 0};
    uint8_t key[CHAT_KEY_SIZE] = {0};

    (void)state;
    assert_int_equal(chat_contacts_load(&contacts, path, note, NULL), 0);
    assert_int_equal(chat_contacts_add(&contacts, "bob", key, false), 0);
    assert_int_equal(chat_contacts_save(&contacts), 0);
    expect("bob " KEY_A " unverified\n");
    chat_contacts_fini(&contacts);
}

static void keeps_comments(void **state)
{
    struct chat_contacts contacts = {.count = 0};

    (void)state;
    put("# friends\n\nbob " KEY_A " unverified\n# works at night\nzoe\t" KEY_Z "   verified # met in May\n# end");
    assert_int_equal(chat_contacts_load(&contacts, path, note, NULL), 0);
    assert_int_equal(contacts.count, 2);
    assert_true(contacts.list[1].verified);
    contacts.list[0].verified = true;
    assert_int_equal(chat_contacts_save(&contacts), 0);
    expect("# friends\n\nbob " KEY_A " verified\n# works at night\nzoe " KEY_Z " verified\n# end\n");
    chat_contacts_remove(&contacts, "bob");
    assert_null(chat_contacts_named(&contacts, "bob"));
    assert_int_equal(chat_contacts_save(&contacts), 0);
    expect("# works at night\nzoe " KEY_Z " verified\n# end\n");
    chat_contacts_fini(&contacts);
}

static void names_each_error_and_overwrites_nothing(void **state)
{
    static const char text[] = "bob " KEY_A " unverified\nbob " KEY_Z " verified\nzoe " KEY_Z "\n\n"
                               "eve KEY verified\nz/e " KEY_Z " verified\nzoe " KEY_Z " maybe\n";
    struct chat_contacts contacts = {.count = 0};

    (void)state;
    put(text);
    assert_int_equal(chat_contacts_load(&contacts, path, note, NULL), -EINVAL);
    assert_string_equal(complaints, "2: this name or key is there already\n"
                                    "3: a contact is three words: NAME KEY verified|unverified\n"
                                    "5: the second word is not a key\n"
                                    "6: the first word cannot be a name\n"
                                    "7: the third word is neither verified nor unverified\n");
    assert_int_equal(contacts.count, 1);
    contacts.list[0].verified = true;
    assert_int_equal(chat_contacts_save(&contacts), -EPERM);
    expect(text);
    chat_contacts_fini(&contacts);
}

static void a_file_that_changed_is_left_alone(void **state)
{
    struct chat_contacts contacts = {.count = 0};

    (void)state;
    put("bob " KEY_A " unverified\n");
    assert_int_equal(chat_contacts_load(&contacts, path, note, NULL), 0);
    put("bob " KEY_A " verified\n# by hand\n");
    assert_int_equal(chat_contacts_save(&contacts), -ESTALE);
    expect("bob " KEY_A " verified\n# by hand\n");
    chat_contacts_fini(&contacts);
}

static void what_cannot_be_read_is_not_replaced(void **state)
{
    struct chat_contacts contacts = {.count = 0};

    (void)state;
    assert_int_equal(chat_contacts_load(&contacts, folder, NULL, NULL), -EISDIR);
    assert_int_equal(chat_contacts_save(&contacts), -EPERM);
    chat_contacts_fini(&contacts);
}

static int start(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/contacts-XXXXXX", 21);
    complaints[0] = '\0';
    if (mkdtemp(folder) == NULL || !chat_text_locale())
        return -1;
    (void)snprintf(path, sizeof path, "%s/contacts", folder);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* nothing else was left there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_file_is_an_empty_list, start, finish),
        cmocka_unit_test_setup_teardown(keeps_comments, start, finish),
        cmocka_unit_test_setup_teardown(names_each_error_and_overwrites_nothing, start, finish),
        cmocka_unit_test_setup_teardown(a_file_that_changed_is_left_alone, start, finish),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_replaced, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
