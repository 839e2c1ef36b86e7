/* SPDX-License-Identifier: ISC */
/* Contact strings: there is one spelling for each, and their names and relays are harmless. Also with a right checksum. */
#include <sodium.h>

#include "fuzz.h"
#include "ironchat/contact.h"

static void check(const char *text)
{
    struct chat_card card;
    char again[CHAT_CARD_SIZE];

    if (chat_card_parse(&card, text) != 0)
        return;
    assert(chat_name_valid(card.name));
    assert(card.relay[0] == '\0' || chat_relay_valid(card.relay));
    chat_card_write(again, &card);
    assert(strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[CHAT_CARD_SIZE + 16];
    uint8_t hash[crypto_generichash_BYTES];

    assert(chat_text_locale());
    size = size < CHAT_CARD_SIZE ? size : CHAT_CARD_SIZE;
    memcpy(text, data, size);
    text[size] = '\0';
    check(text);
    size = strlen(text);
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)text, size, NULL, 0);
    text[size] = ',';
    (void)sodium_bin2base64(text + size + 1, 15, hash, 6, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    check(text);
    return 0;
}
