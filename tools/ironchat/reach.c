/* SPDX-License-Identifier: ISC */
/* Is the relay there? */
#include "ironchat/state.h"

void chat_relay_look(struct chat *chat, bool heard)
{
    struct relay *relay = &chat->relay;

    if (relay->reached && (heard || chat->now - relay->reached_at >= RELAY_SETTLES)) {
        if (relay->down)
            chat_say_info(chat, CHAT_NOTE_INFO, "the relay is back");
        relay->settled = true;
        relay->down = relay->hinted = false;
        relay->rejected = 0;
    } else if (!relay->settled && !relay->down && chat->now - chat->started >= RELAY_MISSING) {
        relay->down = true;
        chat_say_info(chat, CHAT_NOTE_WARNING, "no relay answers at %s; what you say will be delivered when one does",
                      chat->own.relay);
    }
}

/* It hung up at once, again and again. */
static void hint(struct chat *chat)
{
    chat->relay.hinted = true;
    chat_say_info(chat, CHAT_NOTE_WARNING,
                  "the relay at %s hangs up: %s. To set it, leave and use --relay ENDPOINT,KEY", chat->own.relay,
                  chat->own.has_hop ? "its key may not be the one that you have"
                                    : "it may want the key that it prints behind its endpoint");
}

void chat_network_rejects(struct chat *chat)
{
    struct relay *relay = &chat->relay;

    relay->rejected++;
    if (relay->rejected >= RELAY_REJECTS && !relay->hinted)
        hint(chat);
}

void chat_network(struct chat *chat, bool up)
{
    struct relay *relay = &chat->relay;

    if (up) {
        relay->reached = true;
        relay->reached_at = chat->now;
        return;
    }
    if (relay->reached && chat->now - relay->reached_at < RELAY_SETTLES)
        relay->rejected++;
    relay->reached = false;
    if (relay->settled && !relay->down) {
        relay->down = true;
        chat_say_info(chat, CHAT_NOTE_WARNING, "the relay is gone; what you say will be delivered when it is back");
    }
    if (relay->rejected >= RELAY_REJECTS && !relay->hinted)
        hint(chat);
}
