/* SPDX-License-Identifier: ISC */
/* The table of legal combinations. */
#include "zmtp/socket_type.h"

#include <string.h>

enum { PEERS_MAX = 3 };

struct combination {
    const char *own;
    const char *peers[PEERS_MAX];
};

static const struct combination table[] = {
    {"REQ", {"REP", "ROUTER"}},
    {"REP", {"REQ", "DEALER"}},
    {"DEALER", {"REP", "DEALER", "ROUTER"}},
    {"ROUTER", {"REQ", "DEALER", "ROUTER"}},
    {"PUB", {"SUB", "XSUB"}},
    {"XPUB", {"SUB", "XSUB"}},
    {"SUB", {"PUB", "XPUB"}},
    {"XSUB", {"PUB", "XPUB"}},
    {"PUSH", {"PULL"}},
    {"PULL", {"PUSH"}},
    {"PAIR", {"PAIR"}},
    {"CLIENT", {"SERVER"}},
    {"SERVER", {"CLIENT"}},
    {"RADIO", {"DISH"}},
    {"DISH", {"RADIO"}},
    {"SCATTER", {"GATHER"}},
    {"GATHER", {"SCATTER"}},
    {"PEER", {"PEER"}},
    {"CHANNEL", {"CHANNEL"}},
};

bool ih_socket_type_accepts(const char *own, const uint8_t *peer, size_t peer_size)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].own, own) != 0)
            continue;
        for (size_t k = 0; k < PEERS_MAX && table[i].peers[k]; k++) {
            const char *name = table[i].peers[k];

            if (strlen(name) == peer_size && memcmp(name, peer, peer_size) == 0)
                return true;
        }
    }
    return false;
}

bool ih_socket_type_announces(const char *own)
{
    return strcmp(own, "REQ") == 0 || strcmp(own, "DEALER") == 0 || strcmp(own, "ROUTER") == 0;
}
