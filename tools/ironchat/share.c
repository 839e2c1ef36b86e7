/* SPDX-License-Identifier: ISC */
/*
 * Files. A file is offered, accepted from some octet on, sent in chunks of which a few are under way at a time, and ended
 * by the receiver, who alone knows whether it is whole. Whoever notices that the other started anew offers or accepts
 * again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/state.h"

static struct share *share_by_id(const struct chat *chat, const struct peer *peer, const uint8_t *id, bool outgoing)
{
    for (size_t i = 0; i < chat->share_count; i++) {
        struct share *share = chat->shares[i];

        if (share->outgoing == outgoing && memcmp(share->transfer.id, id, CHAT_ID_SIZE) == 0 &&
            memcmp(share->peer, peer->key, CHAT_KEY_SIZE) == 0)
            return share;
    }
    return NULL;
}

/* The same file from the same peer, under an id that its program has forgotten. */
static struct share *share_by_hash(const struct chat *chat, const struct peer *peer, const struct chat_msg *msg)
{
    for (size_t i = 0; i < chat->share_count; i++) {
        struct share *share = chat->shares[i];

        if (!share->outgoing && share->transfer.size == msg->number &&
            memcmp(share->transfer.hash, msg->hash, CHAT_HASH_SIZE) == 0 &&
            memcmp(share->peer, peer->key, CHAT_KEY_SIZE) == 0)
            return share;
    }
    return NULL;
}

static struct share *share_new(struct chat *chat, const struct peer *peer, bool outgoing)
{
    struct share *share = chat->share_count < SHARES_MAX ? calloc(1, sizeof *share) : NULL;

    if (share == NULL)
        return NULL;
    chat->shares[chat->share_count++] = share;
    share->number = ++chat->last_share;
    share->outgoing = outgoing;
    share->transfer.fd = -1;
    memcpy(share->peer, peer->key, CHAT_KEY_SIZE);
    return share;
}

static void share_free(struct chat *chat, struct share *share)
{
    size_t index = 0;

    while (chat->shares[index] != share)
        index++;
    chat->share_count--;
    for (; index < chat->share_count; index++)
        chat->shares[index] = chat->shares[index + 1];
    chat_transfer_close(&share->transfer);
    free(share);
}

static void tell(struct chat *chat, const struct share *share, enum chat_note_kind kind, const char *text)
{
    struct chat_note note = {.kind = kind, .text = text, .id = share->number};

    note.done = share->transfer.offset;
    note.total = share->transfer.size;
    chat_tell(chat, note, share->peer);
}

/* Every twentieth of it, so that a bar moves and a record is short. */
static void tell_progress(struct chat *chat, struct share *share)
{
    int step = share->transfer.size > 0 ? (int)(share->transfer.offset * 20 / share->transfer.size) : 20;

    if (step == share->shown)
        return;
    share->shown = step;
    tell(chat, share, CHAT_NOTE_PROGRESS, share->transfer.name);
}

static int send_short(struct chat *chat, const struct share *share, enum chat_kind kind, uint64_t number)
{
    struct peer *peer = chat_peer(chat, share->peer);
    struct chat_msg msg = {.kind = kind};

    if (peer == NULL)
        return -ENOENT;
    memcpy(msg.id, share->transfer.id, sizeof msg.id);
    msg.number = number;
    if (kind == CHAT_OFFER) {
        memcpy(msg.hash, share->transfer.hash, sizeof msg.hash);
        msg.text = share->transfer.name;
        msg.size = strlen(msg.text);
    }
    return chat_send(chat, peer, &msg, PENDING_OTHER, 0);
}

static void send_end(struct chat *chat, struct peer *peer, const uint8_t *id, enum chat_end end)
{
    struct chat_msg msg = {.kind = CHAT_END, .state = (uint8_t)end};

    memcpy(msg.id, id, sizeof msg.id);
    (void)chat_send(chat, peer, &msg, PENDING_OTHER, 0);
}

/* It ended here: tells both sides. */
static void fail(struct chat *chat, struct share *share, enum chat_end end, const char *why)
{
    struct peer *peer = chat_peer(chat, share->peer);

    tell(chat, share, CHAT_NOTE_FILE_FAILED, why);
    if (peer != NULL)
        send_end(chat, peer, share->transfer.id, end);
    share_free(chat, share);
}

/* ---- out ---- */

/* No shell sees what is written here, and people write it all the same. */
static void expand_home(char out[PATH_MAX], const char *path)
{
    const char *home = strncmp(path, "~/", 2) == 0 ? getenv("HOME") : NULL;

    if (home == NULL || snprintf(out, PATH_MAX, "%s%s", home, path + 1) >= PATH_MAX)
        (void)snprintf(out, PATH_MAX, "%s", path);
}

void chat_share_offer(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];
    char path[PATH_MAX];
    const struct chat_contact *contact = chat_contact_or_tell(chat, name);
    struct peer *peer = contact != NULL ? chat_peer(chat, contact->key) : NULL;
    struct share *share;
    int rc;

    if (peer == NULL)
        return;
    share = share_new(chat, peer, true);
    if (share == NULL) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "too many files are under way");
        return;
    }
    expand_home(path, command->words[1]);
    rc = chat_transfer_send(&share->transfer, path);
    if (rc < 0)
        share->transfer.fd = -1;
    if (rc == 0)
        rc = send_short(chat, share, CHAT_OFFER, share->transfer.size);
    if (rc < 0) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s: %s", path, rc == -EINVAL ? "that is no file" : strerror(-rc));
        share_free(chat, share);
        chat->last_share--;
        return;
    }
    chat_say_info(chat, CHAT_NOTE_INFO, "file %llu, %s, is offered to %s", (unsigned long long)share->number,
                  share->transfer.name, name);
}

/* Sends while few enough chunks are under way. False: the share is gone. */
static bool push(struct chat *chat, struct share *share)
{
    struct peer *peer = chat_peer(chat, share->peer);

    while (peer != NULL && share->state == SHARE_RUNNING && share->in_flight < WINDOW) {
        uint8_t octets[CHAT_CHUNK_MAX];
        struct chat_msg msg = {.kind = CHAT_CHUNK, .number = share->transfer.offset, .text = (char *)octets};
        int count = chat_transfer_read(&share->transfer, octets, sizeof octets);

        if (count < 0) {
            fail(chat, share, CHAT_END_STORAGE, "the file cannot be read any more");
            chat->missed = true;
            return false;
        }
        if (count == 0)
            break;
        msg.size = (size_t)count;
        memcpy(msg.id, share->transfer.id, sizeof msg.id);
        if (chat_send(chat, peer, &msg, PENDING_CHUNK, share->number) < 0) {
            share->transfer.offset = msg.number;
            break;
        }
        share->in_flight++;
    }
    tell_progress(chat, share);
    return true;
}

void chat_accept_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct share *share = share_by_id(chat, peer, msg->id, true);

    if (share == NULL)
        send_end(chat, peer, msg->id, CHAT_END_UNKNOWN);
    if (share == NULL || msg->number > share->transfer.size)
        return;
    share->state = SHARE_RUNNING;
    share->transfer.offset = msg->number;
    (void)push(chat, share);
}

/* One that was lost leaves a gap, which the receiver notices and answers with where it is. */
void chat_chunk_done(struct chat *chat, uint64_t number, bool delivered)
{
    for (size_t i = 0; i < chat->share_count; i++) {
        struct share *share = chat->shares[i];

        if (share->number != number)
            continue;
        share->in_flight -= share->in_flight > 0;
        if (!delivered)
            share->state = SHARE_OFFERED;
        else
            (void)push(chat, share);
        return;
    }
}

void chat_shares_push(struct chat *chat)
{
    for (size_t i = 0; i < chat->share_count;) {
        struct share *share = chat->shares[i];

        if (!share->outgoing || share->state != SHARE_RUNNING || push(chat, share))
            i++;
    }
}

void chat_shares_peer_anew(struct chat *chat, struct peer *peer)
{
    for (size_t i = 0; i < chat->share_count; i++) {
        struct share *share = chat->shares[i];

        if (memcmp(share->peer, peer->key, CHAT_KEY_SIZE) != 0)
            continue;
        if (share->outgoing) {
            share->state = SHARE_OFFERED;
            (void)send_short(chat, share, CHAT_OFFER, share->transfer.size);
        }
    }
}

/* ---- in ---- */

static size_t shares_of(const struct chat *chat, const struct peer *peer)
{
    size_t count = 0;

    for (size_t i = 0; i < chat->share_count; i++)
        count += !chat->shares[i]->outgoing && memcmp(chat->shares[i]->peer, peer->key, CHAT_KEY_SIZE) == 0;
    return count;
}

static void offered_again(struct chat *chat, struct share *share, const struct chat_msg *msg)
{
    memcpy(share->transfer.id, msg->id, CHAT_ID_SIZE);
    if (share->state == SHARE_RUNNING)
        (void)send_short(chat, share, CHAT_ACCEPT, share->transfer.offset);
}

void chat_offer_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct share *share = share_by_hash(chat, peer, msg);

    if (share != NULL) {
        offered_again(chat, share, msg);
        return;
    }
    if (share_by_id(chat, peer, msg->id, false) != NULL)
        return;
    share = shares_of(chat, peer) < SHARES_OF_ONE_MAX ? share_new(chat, peer, false) : NULL;
    if (share == NULL) {
        send_end(chat, peer, msg->id, CHAT_END_STORAGE);
        return;
    }
    memcpy(share->transfer.id, msg->id, CHAT_ID_SIZE);
    memcpy(share->transfer.hash, msg->hash, CHAT_HASH_SIZE);
    share->transfer.size = msg->number;
    chat_filename_clean(share->transfer.name, msg->text, msg->size);
    share->transfer.offset = chat_transfer_stored(&share->transfer, chat->files);
    tell(chat, share, CHAT_NOTE_OFFER, share->transfer.name);
}

/* All octets are stored. */
static void complete(struct chat *chat, struct share *share)
{
    struct peer *peer = chat_peer(chat, share->peer);
    int rc = chat_transfer_finish(&share->transfer, chat->files);
    char path[PATH_MAX];

    if (rc == -EBADMSG) {
        fail(chat, share, CHAT_END_WRONG, "the checksum is wrong; what came was thrown away");
    } else if (rc < 0) {
        fail(chat, share, CHAT_END_STORAGE, strerror(-rc));
    } else {
        (void)chat_text_clean(path, sizeof path, share->transfer.path, strlen(share->transfer.path));
        if (peer != NULL)
            send_end(chat, peer, share->transfer.id, CHAT_END_RECEIVED);
        tell(chat, share, CHAT_NOTE_FILE_DONE, path);
        share_free(chat, share);
    }
}

void chat_chunk_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct share *share = share_by_id(chat, peer, msg->id, false);
    int rc;

    if (share == NULL || share->state != SHARE_RUNNING)
        return;
    rc = chat_transfer_write(&share->transfer, msg->number, msg->text, msg->size);
    if (rc == -ERANGE) {
        if (!share->resync)
            share->resync = send_short(chat, share, CHAT_ACCEPT, share->transfer.offset) == 0;
        return;
    }
    if (rc < 0) {
        fail(chat, share, CHAT_END_STORAGE, strerror(-rc));
        return;
    }
    share->resync = false;
    tell_progress(chat, share);
    if (share->transfer.offset == share->transfer.size)
        complete(chat, share);
}

/* ---- both ---- */

void chat_end_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    static const char *const reasons[] = {
        [CHAT_END_WRONG] = "the checksum is wrong at the other end",
        [CHAT_END_DECLINED] = "declined by the other end",
        [CHAT_END_CANCELLED] = "cancelled by the other end",
        [CHAT_END_STORAGE] = "the other end cannot store or read it",
        [CHAT_END_UNKNOWN] = "the other end does not know of it any more",
    };
    struct share *share = share_by_id(chat, peer, msg->id, true);

    if (share == NULL)
        share = share_by_id(chat, peer, msg->id, false);
    if (share == NULL)
        return;
    if (msg->state == CHAT_END_RECEIVED) {
        if (!share->outgoing)
            return;
        share->transfer.offset = share->transfer.size;
        tell(chat, share, CHAT_NOTE_FILE_DONE, share->transfer.name);
    } else {
        tell(chat, share, CHAT_NOTE_FILE_FAILED, reasons[msg->state]);
        chat->missed = chat->missed || share->outgoing;
    }
    share_free(chat, share);
}

static bool fits(const struct share *share, bool offered_in)
{
    return !offered_in || (!share->outgoing && share->state == SHARE_OFFERED);
}

/* The share of this number, if it is one to accept, or one at all. */
static struct share *numbered(struct chat *chat, const char *word, bool offered_in)
{
    char *end;
    unsigned long long number = strtoull(word, &end, 10);

    if (word[0] < '0' || word[0] > '9' || *end != '\0') {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s is no file's number", word);
        return NULL;
    }
    for (size_t i = 0; i < chat->share_count; i++) {
        struct share *share = chat->shares[i];

        if (share->number != number)
            continue;
        if (fits(share, offered_in))
            return share;
        chat_say_info(chat, CHAT_NOTE_ERROR, "file %llu is %s", number,
                      share->outgoing ? "your own: the other end accepts it" : "on its way already");
        return NULL;
    }
    chat_say_info(chat, CHAT_NOTE_ERROR, "there is no file %llu, or it is done", number);
    return NULL;
}

/* The share that a command names, or the only one that it can mean. */
static struct share *named(struct chat *chat, const struct chat_command *command, bool offered_in)
{
    struct share *found = NULL;
    size_t count = 0;

    if (command->count > 0)
        return numbered(chat, command->words[0], offered_in);
    for (size_t i = 0; i < chat->share_count; i++) {
        if (!fits(chat->shares[i], offered_in))
            continue;
        found = chat->shares[i];
        count++;
    }
    if (count == 1)
        return found;
    chat_say_info(chat, CHAT_NOTE_ERROR,
                  count > 0    ? "which one? Name its number"
                  : offered_in ? "no file is offered to you"
                               : "no file is offered or on its way");
    return NULL;
}

void chat_share_accept(struct chat *chat, const struct chat_command *command)
{
    struct share *share = named(chat, command, true);
    int rc;

    if (share == NULL)
        return;
    rc = chat_transfer_receive(&share->transfer, chat->files);
    if (rc == 0 && share->transfer.offset < share->transfer.size)
        rc = send_short(chat, share, CHAT_ACCEPT, share->transfer.offset);
    if (rc < 0) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s: %s", chat->files, strerror(-rc));
        chat_transfer_close(&share->transfer);
        return;
    }
    share->state = SHARE_RUNNING;
    share->shown = -1;
    tell_progress(chat, share);
    if (share->transfer.offset == share->transfer.size)
        complete(chat, share);
}

void chat_share_cancel(struct chat *chat, const struct chat_command *command)
{
    struct share *share = named(chat, command, false);

    if (share == NULL)
        return;
    if (!share->outgoing && share->state == SHARE_OFFERED)
        fail(chat, share, CHAT_END_DECLINED, "declined");
    else
        fail(chat, share, CHAT_END_CANCELLED, "cancelled");
}

void chat_shares_forget(struct chat *chat, const uint8_t *key)
{
    for (size_t i = 0; i < chat->share_count;) {
        struct share *share = chat->shares[i];

        if (memcmp(share->peer, key, CHAT_KEY_SIZE) == 0)
            share_free(chat, share);
        else
            i++;
    }
}

bool chat_shares_busy(const struct chat *chat)
{
    for (size_t i = 0; i < chat->share_count; i++) {
        if (chat->shares[i]->outgoing || chat->shares[i]->state == SHARE_RUNNING)
            return true;
    }
    return false;
}
