/* SPDX-License-Identifier: ISC */
/* Lists of addresses in CIDR form, IPv4 and IPv6. An IPv4 address mapped into IPv6 counts as that IPv4 address. */
#ifndef IH_AUTH_ADDRESS_H
#define IH_AUTH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct auth_network {
    uint8_t address[16]; /* IPv4 as mapped into IPv6; all zero and bits 0 with local set */
    unsigned bits;       /* 0 to 128 */
    bool local;          /* the word "local": connections without an address (ipc, inproc) */
};

/* "10.0.0.0/8", "192.168.0.7", "2001:db8::/32", "::1", "local". -EINVAL: malformed, or bits set behind the prefix. */
int auth_network_parse(struct auth_network *network, const char *text);

/* An address as ZAP gives it ("" = local; an IPv6 zone "%eth0" is passed over). False for what is no address. */
bool auth_network_holds(const struct auth_network *network, const char *address);

#endif
