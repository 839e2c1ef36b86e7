/* SPDX-License-Identifier: ISC */
/* The contacts file: what is read without an error, is the same contacts when it is written and read again. */
#include <stdio.h>

#include "fuzz.h"
#include "ironchat/contacts.h"

static void count_lines(void *arg, const char *file, int line, const char *what)
{
    (void)file;
    assert(line > 0 && what[0] != '\0');
    ++*(int *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_contacts contacts = {.count = 0}, again = {.count = 0};
    int errors = 0, rc;
    char text[200 * 200], key[CHAT_KEY_TEXT];
    size_t used = 0;

    assert(chat_text_locale());
    rc = chat_contacts_parse(&contacts, "fuzz", (const char *)data, size, count_lines, &errors);
    assert((rc == 0) == (errors == 0) && contacts.broken == (errors > 0));
    for (size_t i = 0; i < contacts.count && i < 200; i++) {
        chat_key_write(key, contacts.list[i].key);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s %s\n", contacts.list[i].name, key,
                                 contacts.list[i].verified ? "verified" : "unverified");
        assert(chat_contacts_keyed(&contacts, contacts.list[i].key) == &contacts.list[i]);
    }
    assert(chat_contacts_parse(&again, "fuzz", text, used, NULL, NULL) == 0);
    assert(again.count == (contacts.count < 200 ? contacts.count : 200));
    chat_contacts_fini(&contacts);
    chat_contacts_fini(&again);
    return 0;
}
