/* SPDX-License-Identifier: ISC */
/* The chat's messages: what is read, is written again as it was; and a participant survives any of them. */
#include "fuzz.h"
#include "ironchat/chat.h"

static const uint8_t peer_key[CHAT_KEY_SIZE] = {1};

static int send_nowhere(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number)
{
    (void)arg, (void)key, (void)data, (void)size;
    *number = 1;
    return 0;
}

static void change_nothing(void *arg, const uint8_t *key)
{
    (void)arg, (void)key;
}

/* What a user would see: one line, and nothing that moves a cursor. */
static void check_note(void *arg, const struct chat_note *note)
{
    char line[CHAT_NOTE_SIZE];

    (void)arg;
    chat_note_line(line, note);
    for (const char *at = line; *at != '\0'; at++)
        assert((unsigned char)*at >= 0x20 && *at != 0x7f);
}

/* The input: messages behind their sizes, two octets each. */
static void converse(const uint8_t *data, size_t size)
{
    const struct chat_port port = {NULL, send_nowhere, change_nothing, change_nothing, check_note};
    const struct chat_card own = {.name = "own", .key = {2}};
    struct chat_contacts contacts = {.count = 0};
    struct chat *chat;

    assert(chat_contacts_add(&contacts, "peer", peer_key, false) == 0);
    chat = chat_new(&own, &contacts, "/nonexistent", &port);
    assert(chat);
    chat_start(chat);
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];

        data += 2;
        size -= 2;
        length = length > size ? size : length;
        chat_message(chat, peer_key, data, length);
        chat_delivered(chat, peer_key, 1);
        data += length;
        size -= length;
    }
    chat_free(chat);
    chat_contacts_fini(&contacts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[CHAT_MSG_MAX];
    struct chat_msg msg;

    assert(chat_text_locale());
    if (chat_msg_parse(&msg, data, size) == 0) {
        int written = chat_msg_write(out, sizeof out, &msg);

        assert(written >= 0 && (size_t)written == size);
        assert(memcmp(out, data, size) == 0);
    }
    converse(data, size);
    return 0;
}
