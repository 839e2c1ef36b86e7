/* SPDX-License-Identifier: ISC */
/* Lists of addresses in CIDR form, IPv4 and IPv6. An IPv4 address mapped into IPv6 counts as that IPv4 address. */
#ifndef IH_AUTH_ADDRESS_H
#define IH_AUTH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { AUTH_NETWORK_TEXT = 64 };

struct auth_network {
    uint8_t address[16]; /* IPv4 as mapped into IPv6; all zero and bits 0 with local set */
    unsigned bits;       /* 0 to 128 */
    bool local;          /* the word "local": connections without an address (ipc, inproc) */
};

/* "10.0.0.0/8", "192.168.0.7", "2001:db8::/32", "::1", "local". -EINVAL: malformed, or bits set behind the prefix. */
int auth_network_parse(struct auth_network *network, const char *text);

/* An address as ZAP gives it ("", or ipc's "localhost:UID:GID:PID" = local; an IPv6 zone "%eth0" is passed over). False for
 * what is no address. An IPv4 address is held by IPv4 networks alone: ::/0 is all of IPv6. */
bool auth_network_holds(const struct auth_network *network, const char *address);

/* "10.0.0.0/8", "::1/128", "local". Returns text. */
const char *auth_network_print(char text[AUTH_NETWORK_TEXT], const struct auth_network *network);

enum auth_address_kind { AUTH_ADDRESS_NONE, AUTH_ADDRESS_LOCAL, AUTH_ADDRESS_IPV4, AUTH_ADDRESS_IPV6 };

/* What an address is; IPv4 and IPv6 to octets, mapped as above. AUTH_ADDRESS_NONE: malformed. */
enum auth_address_kind auth_address_parse(uint8_t octets[16], const char *address);

/* "127.0.0.1:9464", "[::1]:9464", "localhost:9464" (as 127.0.0.1). -EINVAL: no address of the loopback, or no port. */
int auth_address_loopback(struct sockaddr_storage *address, socklen_t *size, const char *text);

#endif
