/* SPDX-License-Identifier: ISC */
/* Addresses: from endpoint text, to text, by name, and the networks of ZMQ_TCP_ACCEPT_FILTER. */
#include "platform/net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    HOST_SIZE = sizeof(((struct ih_net_target *)NULL)->host),
    MAPPED_BITS = 96, /* of ::ffff:0:0/96, where IPv4 lies in IPv6 */
};

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void set_ipv4(struct ih_addr *addr, struct in_addr ip)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = ip};
    memset(addr, 0, sizeof(*addr));
    memcpy(&addr->storage, &sin, sizeof(sin));
    addr->size = sizeof(sin);
}

static void set_ipv6(struct ih_addr *addr, const struct in6_addr *ip, uint32_t scope)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_addr = *ip, .sin6_scope_id = scope};
    memset(addr, 0, sizeof(*addr));
    memcpy(&addr->storage, &sin6, sizeof(sin6));
    addr->size = sizeof(sin6);
}

static struct in6_addr map(struct in_addr ip)
{
    struct in6_addr mapped = IN6ADDR_ANY_INIT;
    memcpy(mapped.s6_addr, mapped_prefix, sizeof(mapped_prefix));
    memcpy(mapped.s6_addr + sizeof(mapped_prefix), &ip, sizeof(ip));
    return mapped;
}

static void set_port(struct ih_addr *addr, uint16_t port)
{
    /* The port is at the same place for both families. */
    struct sockaddr_in *sin = (struct sockaddr_in *)&addr->storage;
    sin->sin_port = htons(port);
}

/* An address in digits, without its scope. */
static bool parse_ip(const char *host, bool ipv6, uint32_t scope, struct ih_addr *addr)
{
    struct in_addr ip4;
    struct in6_addr ip6;
    if (strpbrk(host, " \t\r\n\v\f") == NULL && inet_aton(host, &ip4) != 0) { /* it would skip what follows a blank */
        ip6 = map(ip4);
    } else if (inet_pton(AF_INET6, host, &ip6) == 1) {
        memcpy(&ip4, ip6.s6_addr + sizeof(mapped_prefix), sizeof(ip4));
        if (!ipv6 && !IN6_IS_ADDR_V4MAPPED(&ip6)) {
            return false;
        }
    } else {
        return false;
    }
    if (ipv6) {
        set_ipv6(addr, &ip6, scope);
    } else {
        set_ipv4(addr, ip4);
    }
    return true;
}

static int parse_scope(const char *text, uint32_t *scope)
{
    *scope = if_nametoindex(text);
    if (*scope == 0) {
        *scope = (uint32_t)strtoul(text, NULL, 10);
    }
    return *scope == 0 ? -EINVAL : 0;
}

/* 1: an address in digits, perhaps with a scope; 0: something else; -EINVAL: an unknown scope. */
static int parse_literal(const char *host, bool ipv6, struct ih_addr *addr)
{
    char digits[HOST_SIZE];
    uint32_t scope = 0;
    const char *percent = strrchr(host, '%');
    size_t size = percent != NULL ? (size_t)(percent - host) : strlen(host);
    if (size >= sizeof(digits)) {
        return 0;
    }
    memcpy(digits, host, size);
    digits[size] = '\0';
    if (percent != NULL) {
        int rc = parse_scope(percent + 1, &scope);
        if (rc != 0) {
            return rc;
        }
    }
    return parse_ip(digits, ipv6, scope, addr) ? 1 : 0;
}

/* The first address of a family that the interface has. */
static int find_interface(const char *name, bool ipv6, struct ih_addr *addr)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0) {
        return -errno;
    }
    int rc = -ENODEV;
    sa_family_t family = ipv6 ? AF_INET6 : AF_INET;
    for (const struct ifaddrs *i = all; i != NULL && rc != 0; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != family || strcmp(i->ifa_name, name) != 0) {
            continue;
        }
        socklen_t size = ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        memset(addr, 0, sizeof(*addr));
        memcpy(&addr->storage, i->ifa_addr, size);
        addr->size = size;
        rc = 0;
    }
    freeifaddrs(all);
    return rc;
}

/* Takes "HOST:PORT" apart; the brackets around HOST go. */
static int split(const char *text, size_t size, char host[HOST_SIZE], const char **port)
{
    const char *colon = memrchr(text, ':', size);
    if (colon == NULL) {
        return -EINVAL;
    }
    *port = colon + 1;
    size_t host_size = (size_t)(colon - text);
    if (host_size >= 2 && text[0] == '[' && text[host_size - 1] == ']') {
        text++;
        host_size -= 2;
    }
    if (host_size >= HOST_SIZE) {
        return -EINVAL;
    }
    memcpy(host, text, host_size);
    host[host_size] = '\0';
    return 0;
}

static bool is_any_port(const char *text, size_t size)
{
    return size == 1 && (text[0] == '*' || text[0] == '0');
}

/* What libzmq 4.3.4 reads is what counts here: sign, blanks, wrapping, and what stands behind, as in
 * "tcp://lo:5555/". */
static int parse_bind_port(const char *text, size_t size, uint16_t *port)
{
    if (is_any_port(text, size)) {
        *port = 0;
        return 0;
    }
    *port = (uint16_t)strtol(text, NULL, 10);
    return *port == 0 ? -EINVAL : 0;
}

static int parse_local(const char *text, size_t size, bool ipv6, struct ih_addr *result)
{
    char host[HOST_SIZE];
    const char *port_text;
    uint16_t port;
    struct ih_addr addr;
    int rc = memchr(text, ';', size) != NULL ? -EINVAL : split(text, size, host, &port_text);
    if (rc == 0) {
        rc = parse_bind_port(port_text, (size_t)(text + size - port_text), &port);
    }
    if (rc != 0) {
        return rc;
    }
    if (strcmp(host, "*") == 0) {
        (void)parse_ip(ipv6 ? "::" : "0.0.0.0", ipv6, 0, &addr);
    } else {
        rc = parse_literal(host, ipv6, &addr);
        if (rc == 0) {
            rc = find_interface(host, ipv6, &addr);
        }
        if (rc < 0) {
            return rc;
        }
    }
    set_port(&addr, port);
    *result = addr;
    return 0;
}

int ih_net_parse_bind(const char *text, bool ipv6, struct ih_addr *addr)
{
    return parse_local(text, strlen(text), ipv6, addr);
}

/* The characters that libzmq 4.3.4 lets into a connecting endpoint. */
static bool is_connect_text(const char *text)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%*-.:;[]_";
    return (isalnum((unsigned char)text[0]) || text[0] == '[' || text[0] == ':') && text[strspn(text, allowed)] == '\0';
}

/* HOST and PORT of "[SRC;]HOST:PORT". */
static int parse_target(const char *text, char host[HOST_SIZE], uint16_t *port)
{
    const char *semicolon = strchr(text, ';');
    const char *target = semicolon != NULL ? semicolon + 1 : text;
    const char *digits;
    int rc = split(target, strlen(target), host, &digits);
    if (rc != 0) {
        return rc;
    }
    if (!isdigit((unsigned char)digits[0]) || target[0] == '*' || strchr(target, ';') != NULL) {
        return -EINVAL;
    }
    *port = (uint16_t)strtol(digits, NULL, 10);
    return 0;
}

int ih_net_parse_connect(const char *text, bool ipv6, struct ih_addr *source, struct ih_addr *addr)
{
    char host[HOST_SIZE];
    uint16_t port;
    struct ih_addr local = {.size = 0};
    struct ih_addr remote;
    int rc = is_connect_text(text) ? parse_target(text, host, &port) : -EINVAL;
    if (rc != 0) {
        return rc;
    }
    const char *semicolon = strchr(text, ';');
    if (semicolon != NULL) {
        rc = parse_local(text, (size_t)(semicolon - text), ipv6, &local);
        if (rc != 0) {
            return rc == -ENOMEM ? rc : -ENODEV;
        }
    }
    *source = local;
    if (parse_literal(host, ipv6, &remote) != 1) {
        return 0;
    }
    set_port(&remote, port);
    *addr = remote;
    return 1;
}

int ih_net_parse_target(const char *text, struct ih_net_target *target)
{
    struct ih_addr addr;
    const void *storage = &addr.storage;
    int rc = is_connect_text(text) ? parse_target(text, target->host, &target->port) : -EINVAL;
    if (rc != 0) {
        return rc;
    }
    target->ip_size = 0;
    if (parse_literal(target->host, false, &addr) == 1) {
        const struct sockaddr_in *sin = storage;
        target->ip_size = sizeof(sin->sin_addr);
        memcpy(target->ip, &sin->sin_addr, sizeof(sin->sin_addr));
    } else if (parse_literal(target->host, true, &addr) == 1) {
        const struct sockaddr_in6 *sin6 = storage;
        target->ip_size = sizeof(sin6->sin6_addr);
        memcpy(target->ip, &sin6->sin6_addr, sizeof(sin6->sin6_addr));
    }
    return 0;
}

static int lookup_error(int code)
{
    switch (code) {
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_AGAIN:
        return -EAGAIN;
    case EAI_SYSTEM:
        return errno != 0 ? -errno : -ENODEV;
    default:
        return -ENODEV;
    }
}

int ih_net_resolve(const char *text, bool ipv6, struct ih_addr *addr)
{
    char host[HOST_SIZE];
    uint16_t port;
    int rc = parse_target(text, host, &port);
    if (rc != 0) {
        return rc;
    }
    /* Of both families the system puts first what this machine can reach. */
    struct addrinfo hints = {.ai_family = ipv6 ? AF_UNSPEC : AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) {
        return lookup_error(rc);
    }
    rc = 0;
    struct ih_addr result;
    if (found->ai_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)(const void *)found->ai_addr;
        set_ipv6(&result, &sin6->sin6_addr, sin6->sin6_scope_id);
    } else if (found->ai_family == AF_INET) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *)(const void *)found->ai_addr;
        struct in6_addr mapped = map(sin->sin_addr);
        if (ipv6) {
            set_ipv6(&result, &mapped, 0);
        } else {
            set_ipv4(&result, sin->sin_addr);
        }
    } else {
        rc = -ENODEV;
    }
    freeaddrinfo(found);
    if (rc == 0) {
        set_port(&result, port);
        *addr = result;
    }
    return rc;
}

int ih_net_parse_ipc(const char *path, struct ih_addr *addr)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0 || strcmp(path, "@") == 0) {
        return -EINVAL;
    }
    if (size >= sizeof(sun.sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(sun.sun_path, path, size);
    if (path[0] == '@') {
        sun.sun_path[0] = '\0'; /* unix(7): abstract, and its length is part of the name */
    } else {
        size++;
    }
    memset(addr, 0, sizeof(*addr));
    memcpy(&addr->storage, &sun, sizeof(sun));
    addr->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return 0;
}

static void format_ipv6(const struct sockaddr_in6 *sin6, bool with_port, char *text, size_t size)
{
    char digits[INET6_ADDRSTRLEN] = "";
    char scope[IF_NAMESIZE + 1] = "";
    (void)inet_ntop(AF_INET6, &sin6->sin6_addr, digits, sizeof(digits));
    if (sin6->sin6_scope_id != 0 && IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr)) {
        char name[IF_NAMESIZE];
        if (if_indextoname(sin6->sin6_scope_id, name) != NULL) {
            (void)snprintf(scope, sizeof(scope), "%%%s", name);
        } else {
            (void)snprintf(scope, sizeof(scope), "%%%u", (unsigned)sin6->sin6_scope_id);
        }
    }
    if (with_port) {
        (void)snprintf(text, size, "[%s%s]:%u", digits, scope, (unsigned)ntohs(sin6->sin6_port));
    } else {
        (void)snprintf(text, size, "%s%s", digits, scope);
    }
}

static void format_ipv4(const struct sockaddr_in *sin, bool with_port, char *text, size_t size)
{
    char digits[INET_ADDRSTRLEN] = "";
    (void)inet_ntop(AF_INET, &sin->sin_addr, digits, sizeof(digits));
    if (with_port) {
        (void)snprintf(text, size, "%s:%u", digits, (unsigned)ntohs(sin->sin_port));
    } else {
        (void)snprintf(text, size, "%s", digits);
    }
}

static void format_ipc(const struct sockaddr_un *sun, size_t path_size, char *text, size_t size)
{
    bool abstract = path_size > 0 && sun->sun_path[0] == '\0';
    const char *path = abstract ? sun->sun_path + 1 : sun->sun_path;
    size_t length = strnlen(path, abstract ? path_size - 1 : path_size);
    (void)snprintf(text, size, "%s%.*s", abstract ? "@" : "", (int)length, path);
}

void ih_net_format(const struct ih_addr *addr, bool with_port, char *text, size_t size)
{
    const void *storage = &addr->storage;
    size_t path_at = offsetof(struct sockaddr_un, sun_path);
    if (addr->size >= sizeof(struct sockaddr_in) && addr->storage.ss_family == AF_INET) {
        format_ipv4(storage, with_port, text, size);
    } else if (addr->size >= sizeof(struct sockaddr_in6) && addr->storage.ss_family == AF_INET6) {
        format_ipv6(storage, with_port, text, size);
    } else if (addr->size > path_at && addr->storage.ss_family == AF_UNIX) {
        format_ipc(storage, addr->size - path_at, text, size);
    } else if (size > 0) {
        text[0] = '\0';
    }
}

static uint64_t host_number(const uint8_t *octets, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | octets[i];
    }
    return number;
}

uint64_t ih_net_host(const struct ih_addr *addr)
{
    const uint64_t mapped = (uint64_t)0xffff << 32; /* as in ::ffff:192.0.2.1 */

    if (addr->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)&addr->storage;
        const uint8_t *octets = in6->sin6_addr.s6_addr;

        return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? mapped | host_number(octets + 12, 4) : host_number(octets, 8);
    }
    if (addr->storage.ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const void *)&addr->storage;

        return mapped | ntohl(in4->sin_addr.s_addr);
    }
    return UINT64_MAX; /* the network of no IPv6 host */
}

/* The bits after '/', at most limit. */
static int parse_prefix(const char *text, unsigned limit, unsigned *prefix)
{
    size_t size = strlen(text);
    if (size == 0 || size > 3 || strspn(text, "0123456789") != size) {
        return -EINVAL;
    }
    unsigned long bits = strtoul(text, NULL, 10);
    if (bits > limit) {
        return -EINVAL;
    }
    *prefix = (unsigned)bits;
    return 0;
}

int ih_net_parse_filter(const char *text, size_t size, bool ipv6, struct ih_net_filter *filter)
{
    char copy[HOST_SIZE];
    size_t length = strnlen(text, size);
    if (length >= sizeof(copy)) {
        return -EINVAL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
        length = (size_t)(slash - copy);
    }
    char *host = copy;
    if (length >= 2 && copy[0] == '[' && copy[length - 1] == ']') {
        copy[length - 1] = '\0';
        host++;
    }
    struct ih_addr addr;
    bool is_ipv4 = parse_ip(host, false, 0, &addr) && strchr(host, ':') == NULL;
    if ((!is_ipv4 && !ipv6) || !parse_ip(host, true, 0, &addr)) {
        return -EINVAL;
    }
    unsigned bits = is_ipv4 ? 32 : 128;
    if (slash != NULL && parse_prefix(slash + 1, bits, &bits) != 0) {
        return -EINVAL;
    }
    const struct sockaddr_in6 *sin6 = (const void *)&addr.storage;
    memcpy(filter->network, &sin6->sin6_addr, sizeof(filter->network));
    filter->prefix = is_ipv4 ? MAPPED_BITS + bits : bits;
    return 0;
}

bool ih_net_filter_match(const struct ih_net_filter *filter, const struct ih_addr *addr)
{
    uint8_t ip[16];
    const void *storage = &addr->storage;
    if (addr->size >= sizeof(struct sockaddr_in) && addr->storage.ss_family == AF_INET) {
        struct in6_addr mapped = map(((const struct sockaddr_in *)storage)->sin_addr);
        memcpy(ip, &mapped, sizeof(ip));
    } else if (addr->size >= sizeof(struct sockaddr_in6) && addr->storage.ss_family == AF_INET6) {
        memcpy(ip, &((const struct sockaddr_in6 *)storage)->sin6_addr, sizeof(ip));
    } else {
        return false;
    }
    size_t octets = filter->prefix / 8;
    unsigned rest = filter->prefix % 8;
    if (memcmp(ip, filter->network, octets) != 0) {
        return false;
    }
    return rest == 0 || (unsigned)(ip[octets] ^ filter->network[octets]) >> (8 - rest) == 0;
}
