/* SPDX-License-Identifier: ISC */
/* Addresses and networks. Everything is kept as IPv6: IPv4 as ::ffff:0:0/96. */
#include "auth/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OCTETS = 16, BITS = 128, MAPPED_BITS = 96 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const uint8_t octets[OCTETS])
{
    return memcmp(octets, mapped, sizeof mapped) == 0;
}

/* size characters of text as an address. False: too long, or none. */
static bool parse_octets(uint8_t octets[OCTETS], const char *text, size_t size)
{
    char copy[INET6_ADDRSTRLEN];

    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET6, copy, octets) == 1)
        return true;
    if (inet_pton(AF_INET, copy, octets + sizeof mapped) != 1)
        return false;
    memcpy(octets, mapped, sizeof mapped);
    return true;
}

/* Decimal digits alone, without a zero in front, up to limit. */
static bool parse_number(unsigned *number, const char *text, unsigned limit)
{
    unsigned value = 0;

    if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > limit)
            return false;
    }
    *number = value;
    return true;
}

/* ---- addresses ---- */

enum auth_address_kind auth_address_parse(uint8_t octets[16], const char *address)
{
    static const char ipc[] = "localhost:";
    size_t size = strcspn(address, "%");

    if (*address == '\0' || strncmp(address, ipc, sizeof ipc - 1) == 0)
        return AUTH_ADDRESS_LOCAL;
    if (!parse_octets(octets, address, size))
        return AUTH_ADDRESS_NONE;
    if (address[size] == '%' && (address[size + 1] == '\0' || !memchr(address, ':', size)))
        return AUTH_ADDRESS_NONE;
    return is_mapped(octets) ? AUTH_ADDRESS_IPV4 : AUTH_ADDRESS_IPV6;
}

static int take_loopback(struct sockaddr_storage *address, socklen_t *size, const uint8_t octets[OCTETS],
                         in_port_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

    memset(address, 0, sizeof *address);
    if (is_mapped(octets) && octets[sizeof mapped] == IN_LOOPBACKNET) {
        memcpy(&v4.sin_addr, octets + sizeof mapped, sizeof v4.sin_addr);
        memcpy(address, &v4, *size = sizeof v4);
        return 0;
    }
    memcpy(&v6.sin6_addr, octets, OCTETS);
    if (!IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr))
        return -EINVAL;
    memcpy(address, &v6, *size = sizeof v6);
    return 0;
}

int auth_address_loopback(struct sockaddr_storage *address, socklen_t *size, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint8_t octets[OCTETS];
    unsigned port;
    size_t length;

    if (!colon || !parse_number(&port, colon + 1, UINT16_MAX))
        return -EINVAL;
    length = (size_t)(colon - text);
    if (length == strlen("localhost") && strncmp(text, "localhost", length) == 0) {
        text = "127.0.0.1";
        length = strlen(text);
    } else if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return -EINVAL;
    }
    return parse_octets(octets, text, length) ? take_loopback(address, size, octets, (in_port_t)port) : -EINVAL;
}

/* ---- networks ---- */

/* Equal in the first bits bits. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned rest = bits % 8;

    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static bool bits_behind(const struct auth_network *network)
{
    for (unsigned i = network->bits; i < BITS; i++)
        if (network->address[i / 8] & 0x80 >> i % 8)
            return true;
    return false;
}

int auth_network_parse(struct auth_network *network, const char *text)
{
    struct auth_network parsed = {.bits = BITS};
    size_t size = strcspn(text, "/");
    unsigned base = memchr(text, ':', size) ? 0 : MAPPED_BITS;

    if (strcmp(text, "local") == 0) {
        *network = (struct auth_network){.local = true};
        return 0;
    }
    if (!parse_octets(parsed.address, text, size))
        return -EINVAL;
    if (text[size] == '/') {
        if (!parse_number(&parsed.bits, text + size + 1, BITS - base))
            return -EINVAL;
        parsed.bits += base;
    }
    if (bits_behind(&parsed))
        return -EINVAL;
    *network = parsed;
    return 0;
}

bool auth_network_holds(const struct auth_network *network, const char *address)
{
    uint8_t octets[OCTETS];
    enum auth_address_kind kind = auth_address_parse(octets, address);

    if (network->local || kind == AUTH_ADDRESS_NONE || kind == AUTH_ADDRESS_LOCAL)
        return network->local && kind == AUTH_ADDRESS_LOCAL;
    if (kind == AUTH_ADDRESS_IPV4 && network->bits < MAPPED_BITS)
        return false;
    return same_prefix(network->address, octets, network->bits);
}

const char *auth_network_print(char text[AUTH_NETWORK_TEXT], const struct auth_network *network)
{
    bool v4 = network->bits >= MAPPED_BITS && is_mapped(network->address);
    char address[INET6_ADDRSTRLEN] = "";

    if (network->local) {
        (void)snprintf(text, AUTH_NETWORK_TEXT, "local");
        return text;
    }
    if (v4)
        (void)inet_ntop(AF_INET, network->address + sizeof mapped, address, sizeof address);
    else
        (void)inet_ntop(AF_INET6, network->address, address, sizeof address);
    (void)snprintf(text, AUTH_NETWORK_TEXT, "%s/%u", address, network->bits - (v4 ? MAPPED_BITS : 0));
    return text;
}
