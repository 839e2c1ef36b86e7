/* SPDX-License-Identifier: ISC */
#include "ironchat/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ironchat/file.h"

enum {
    MAGIC = 19,
    SALT = crypto_pwhash_SALTBYTES,
    CHECK = 32,
    HEAD = MAGIC + 8 + 8 + SALT + CHECK,
    KEY = crypto_secretstream_xchacha20poly1305_KEYBYTES,
    HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    OVER = crypto_secretstream_xchacha20poly1305_ABYTES,
    FILE_SIZE_MAX = 256 << 20,
    APPEND_MAX = FILE_SIZE_MAX - 65536 /* so that it can be opened, which begins a stream */
};

static const char magic[] = "ironchat history 1\n";

/* What a file may ask of this machine: more would be an attack, less a mistake. */
static const uint64_t operations_max = 16, memory_max = (uint64_t)1 << 30;

/* The file's head and what follows. On chat_history_open's stack. */
struct reading {
    struct chat_history *history;
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *whole; /* behind the last record that is complete */
    const uint8_t *key;
    chat_record_fn *record;
    void *arg;
};

static void put_number(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static uint64_t get_number(const uint8_t *at, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* The key, and what the head says so that a wrong passphrase is told from a damaged file. */
static int derive(uint8_t key[KEY], uint8_t check[CHECK], const char *passphrase, const uint8_t *head)
{
    uint64_t operations = get_number(head + MAGIC, 8), memory = get_number(head + MAGIC + 8, 8);
    uint8_t both[KEY + CHECK];

    if (operations < crypto_pwhash_OPSLIMIT_MIN || operations > operations_max || memory < crypto_pwhash_MEMLIMIT_MIN ||
        memory > memory_max)
        return -EINVAL;
    if (crypto_pwhash(both, sizeof both, passphrase, strlen(passphrase), head + MAGIC + 16, operations, (size_t)memory,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return -ENOMEM;
    memcpy(key, both, KEY);
    memcpy(check, both + KEY, CHECK);
    sodium_memzero(both, sizeof both);
    return 0;
}

/* The tie is what stands before: streams of one file cannot change places. */
static int begin_stream(struct chat_history *history, const uint8_t *key)
{
    uint8_t octets[4 + HEADER] = {0};

    if (crypto_secretstream_xchacha20poly1305_init_push(&history->stream, octets + 4, key) != 0)
        return -EIO;
    history->size += sizeof octets;
    return chat_write_all(history->fd, octets, sizeof octets);
}

static int make(struct chat_history *history, const char *passphrase, uint8_t key[KEY])
{
    uint8_t head[HEAD];
    int rc;

    memcpy(head, magic, MAGIC);
    put_number(head + MAGIC, crypto_pwhash_OPSLIMIT_INTERACTIVE, 8);
    put_number(head + MAGIC + 8, crypto_pwhash_MEMLIMIT_INTERACTIVE, 8);
    randombytes_buf(head + MAGIC + 16, SALT);
    rc = derive(key, head + HEAD - CHECK, passphrase, head);
    if (rc == 0) {
        rc = chat_write_all(history->fd, head, sizeof head);
        if (rc < 0)
            (void)!ftruncate(history->fd, 0); /* a part of it would be no history, for ever */
    }
    history->size = HEAD;
    memcpy(history->tie, head + HEAD - OVER, OVER);
    return rc;
}

/* One stream's header or one record. 1: done; 0: the rest is incomplete; -EBADMSG. */
static int read_one(struct reading *reading)
{
    struct chat_history *history = reading->history;
    size_t left = (size_t)(reading->end - reading->at);
    uint8_t text[CHAT_RECORD_MAX], tag;
    unsigned long long size;
    size_t sealed;

    if (left < 4)
        return 0;
    sealed = (size_t)get_number(reading->at, 4);
    if (sealed > left - 4 || (sealed == 0 && left - 4 < HEADER))
        return sealed > CHAT_RECORD_MAX + OVER ? -EBADMSG : 0;
    if (sealed == 0) {
        if (crypto_secretstream_xchacha20poly1305_init_pull(&history->stream, reading->at + 4, reading->key) != 0)
            return -EBADMSG;
        reading->at += 4 + HEADER;
        return 1;
    }
    if (sealed < OVER || sealed > CHAT_RECORD_MAX + OVER ||
        crypto_secretstream_xchacha20poly1305_pull(&history->stream, text, &size, &tag, reading->at + 4, sealed,
                                                   history->tie, OVER) != 0)
        return -EBADMSG;
    memcpy(history->tie, reading->at + 4 + sealed - OVER, OVER);
    reading->at += 4 + sealed;
    reading->whole = reading->at;
    reading->record(reading->arg, (const char *)text, (size_t)size);
    sodium_memzero(text, sizeof text);
    return 1;
}

/* A stream without a record is as good as none, so it is cut off too. */
static int read_records(struct reading *reading, const uint8_t *start)
{
    int rc = 1;

    if (reading->end - reading->at >= 4 && get_number(reading->at, 4) != 0)
        return -EBADMSG;
    while (reading->at < reading->end && rc == 1)
        rc = read_one(reading);
    if (rc < 0)
        return rc;
    if (ftruncate(reading->history->fd, (off_t)(reading->whole - start)) < 0)
        return -errno;
    reading->history->size = (uint64_t)(reading->whole - start);
    return 0;
}

static int read_history(struct chat_history *history, const char *path, const char *passphrase, uint8_t key[KEY],
                        chat_record_fn *record, void *arg)
{
    uint8_t check[CHECK];
    char *data = NULL;
    size_t size = 0;
    int rc = chat_file_read(path, FILE_SIZE_MAX, &data, &size, NULL);
    const uint8_t *head = (const uint8_t *)data;

    if (rc < 0)
        return rc;
    if (size < HEAD || memcmp(head, magic, MAGIC) != 0)
        rc = -EINVAL;
    if (rc == 0)
        rc = derive(key, check, passphrase, head);
    if (rc == 0 && sodium_memcmp(check, head + HEAD - CHECK, CHECK) != 0)
        rc = -EACCES;
    if (rc == 0) {
        struct reading reading = {history, head + HEAD, head + size, head + HEAD, key, record, arg};

        memcpy(history->tie, head + HEAD - OVER, OVER);
        rc = read_records(&reading, head);
    }
    free(data);
    return rc;
}

int chat_history_open(struct chat_history *history, const char *path, const char *passphrase, chat_record_fn *record,
                      void *arg)
{
    uint8_t key[KEY] = {0};
    struct stat status = {.st_size = 0};
    int rc = 0;

    history->size = 0;
    history->limit = APPEND_MAX;
    history->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
    if (history->fd < 0)
        return -errno;
    if (flock(history->fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
    else if (fstat(history->fd, &status) < 0)
        rc = -errno;
    if (rc == 0)
        rc = status.st_size == 0 ? make(history, passphrase, key)
                                 : read_history(history, path, passphrase, key, record, arg);
    if (rc == 0)
        rc = begin_stream(history, key);
    sodium_memzero(key, sizeof key);
    if (rc < 0) {
        (void)close(history->fd);
        history->fd = -1;
    }
    return rc;
}

int chat_history_append(struct chat_history *history, const char *text, size_t size)
{
    uint8_t sealed[4 + CHAT_RECORD_MAX + OVER];

    if (size > CHAT_RECORD_MAX)
        return -EMSGSIZE;
    if (history->size > history->limit || 4 + size + OVER > history->limit - history->size)
        return -EFBIG;
    put_number(sealed, size + OVER, 4);
    (void)crypto_secretstream_xchacha20poly1305_push(&history->stream, sealed + 4, NULL, (const uint8_t *)text, size,
                                                     history->tie, OVER, 0);
    memcpy(history->tie, sealed + 4 + size, OVER);
    history->size += 4 + size + OVER;
    return chat_write_all(history->fd, sealed, 4 + size + OVER);
}

void chat_history_close(struct chat_history *history)
{
    if (history->fd >= 0)
        (void)close(history->fd);
    sodium_memzero(history, sizeof *history);
    history->fd = -1;
}
