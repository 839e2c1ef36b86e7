/* SPDX-License-Identifier: ISC */
#include "ironchat/contact.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SUM_SIZE = 6, SUM_TEXT = 9, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static const char prefix[] = "ironchat:1,";
static const char plain_octets[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/*@[]";

/* The parts of a contact string behind the prefix. They lie in one copy of it, on chat_card_parse's stack. */
enum part { NAME, KEY, RELAY, HOP, SUM, PARTS };

void chat_key_write(char text[CHAT_KEY_TEXT], const uint8_t key[CHAT_KEY_SIZE])
{
    (void)sodium_bin2base64(text, CHAT_KEY_TEXT, key, CHAT_KEY_SIZE, VARIANT);
}

int chat_key_parse(uint8_t key[CHAT_KEY_SIZE], const char *text)
{
    uint8_t octets[CHAT_KEY_SIZE];
    size_t size;

    if (strlen(text) != CHAT_KEY_TEXT - 1 ||
        sodium_base642bin(octets, sizeof octets, text, CHAT_KEY_TEXT - 1, NULL, &size, NULL, VARIANT) != 0 ||
        size != sizeof octets)
        return -EINVAL;
    memcpy(key, octets, sizeof octets);
    return 0;
}

bool chat_relay_valid(const char *relay)
{
    size_t length = strlen(relay);
    const char *scheme = strstr(relay, "://");

    if (length >= CHAT_RELAY_SIZE || scheme == NULL || scheme == relay || scheme[3] == '\0')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (relay[i] <= ' ' || relay[i] > '~')
            return false;
    }
    return true;
}

/* Appends text, percent-coded; out has room for three times its length. Returns the end. */
static char *escape(char *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        if (strchr(plain_octets, *text) != NULL) {
            *out++ = *text;
        } else {
            *out++ = '%';
            *out++ = digits[(unsigned char)*text >> 4];
            *out++ = digits[(unsigned char)*text & 15];
        }
    }
    *out = '\0';
    return out;
}

/* -EINVAL also if it does not fit. Several spellings of an octet are told apart later, by writing the card again. */
static int unescape(char *out, size_t room, const char *text)
{
    size_t length = 0;

    while (*text != '\0') {
        unsigned value = (unsigned char)*text;

        if (room - length < 2)
            return -EINVAL;
        if (*text == '%') {
            if (strspn(text + 1, "0123456789ABCDEF") < 2 || sscanf(text + 1, "%2X", &value) != 1 || value == 0)
                return -EINVAL;
            text += 2;
        }
        out[length++] = (char)value;
        text++;
    }
    out[length] = '\0';
    return 0;
}

static void checksum(char text[SUM_TEXT], const char *of, size_t size)
{
    uint8_t hash[crypto_generichash_BYTES];

    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)of, size, NULL, 0);
    (void)sodium_bin2base64(text, SUM_TEXT, hash, SUM_SIZE, VARIANT);
}

void chat_card_write(char text[CHAT_CARD_SIZE], const struct chat_card *card)
{
    char *at = text;

    memcpy(at, prefix, sizeof prefix - 1);
    at = escape(at + sizeof prefix - 1, card->name);
    *at++ = ',';
    chat_key_write(at, card->key);
    at += CHAT_KEY_TEXT - 1;
    *at++ = ',';
    at = escape(at, card->relay);
    *at++ = ',';
    if (card->has_hop) {
        chat_key_write(at, card->hop);
        at += CHAT_KEY_TEXT - 1;
    }
    *at = '\0';
    checksum(at + 1, text, (size_t)(at - text));
    *at = ',';
}

/* Cuts a contact string at its commas, in place. */
static int cut(char *text, char *parts[PARTS])
{
    if (strncmp(text, "ironchat:", 9) != 0)
        return -EINVAL;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return -EPROTONOSUPPORT;
    parts[NAME] = text + sizeof prefix - 1;
    for (int i = 1; i < PARTS; i++) {
        char *comma = strchr(parts[i - 1], ',');

        if (comma == NULL)
            return -EINVAL;
        *comma = '\0';
        parts[i] = comma + 1;
    }
    return 0;
}

int chat_card_parse(struct chat_card *card, const char *text)
{
    char copy[CHAT_CARD_SIZE], again[CHAT_CARD_SIZE], sum[SUM_TEXT];
    char *parts[PARTS];
    struct chat_card read = {.has_hop = false};
    int rc;

    if (strlen(text) >= sizeof copy)
        return -EINVAL;
    memcpy(copy, text, strlen(text) + 1);
    rc = cut(copy, parts);
    if (rc < 0)
        return rc;
    checksum(sum, text, (size_t)(parts[SUM] - copy) - 1);
    if (strcmp(sum, parts[SUM]) != 0)
        return -EBADMSG;
    read.has_hop = parts[HOP][0] != '\0';
    if (unescape(read.name, sizeof read.name, parts[NAME]) < 0 || !chat_name_valid(read.name) ||
        chat_key_parse(read.key, parts[KEY]) < 0 || unescape(read.relay, sizeof read.relay, parts[RELAY]) < 0 ||
        (read.relay[0] != '\0' && !chat_relay_valid(read.relay)) ||
        (read.has_hop && chat_key_parse(read.hop, parts[HOP]) < 0))
        return -EINVAL;
    chat_card_write(again, &read);
    if (strcmp(again, text) != 0)
        return -EINVAL;
    *card = read;
    return 0;
}

void chat_safety_number(char text[CHAT_SAFETY_SIZE], const uint8_t a[CHAT_KEY_SIZE], const uint8_t b[CHAT_KEY_SIZE])
{
    static const uint8_t domain[] = "ironchat safety number 1";
    bool in_order = memcmp(a, b, CHAT_KEY_SIZE) <= 0;
    crypto_generichash_state state;
    uint8_t hash[40];

    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash);
    (void)crypto_generichash_update(&state, domain, sizeof domain);
    (void)crypto_generichash_update(&state, in_order ? a : b, CHAT_KEY_SIZE);
    (void)crypto_generichash_update(&state, in_order ? b : a, CHAT_KEY_SIZE);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    for (int group = 0; group < 8; group++) {
        uint64_t value = 0;

        for (int i = 0; i < 5; i++)
            value = value << 8 | hash[group * 5 + i];
        (void)snprintf(text + (size_t)group * 6, 6, "%05u", (unsigned)(value % 100000));
        text[group * 6 + 5] = group < 7 ? ' ' : '\0';
    }
}
