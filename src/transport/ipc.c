/* SPDX-License-Identifier: ISC */
/* The transport ipc: local stream sockets. */
#include <string.h>

#include "core/socket.h"
#include "transport/stream.h"

static int parse_bind(const char *address, struct ih_socket *socket, struct ih_addr *addr)
{
    (void)socket;
    return ih_net_parse_ipc(address, addr);
}

static int parse_connect(const char *address, struct ih_socket *socket, struct ih_addr *source, struct ih_addr *addr)
{
    int rc = ih_net_parse_ipc(address, addr);

    (void)socket;
    source->size = 0;
    return rc < 0 ? rc : 1;
}

static bool contains(const struct ih_blob *blob, const void *entry, size_t size)
{
    for (size_t at = 0; at + size <= blob->size; at += size)
        if (memcmp(blob->data + at, entry, size) == 0)
            return true;
    return false;
}

/* ZMQ_IPC_FILTER_PID, _UID, _GID: no filter admits everybody, else one that matches is enough. */
static bool admits(const struct ih_options *opt, int fd, const struct ih_addr *peer)
{
    pid_t pid;
    uid_t uid;
    gid_t gid;

    (void)peer;
    if (!opt->ipc_pids.size && !opt->ipc_uids.size && !opt->ipc_gids.size)
        return true;
    if (ih_net_credentials(fd, &pid, &uid, &gid) < 0)
        return false;
    return contains(&opt->ipc_pids, &pid, sizeof(pid)) || contains(&opt->ipc_uids, &uid, sizeof(uid)) ||
           contains(&opt->ipc_gids, &gid, sizeof(gid));
}

extern const struct ih_transport_ops ih_ipc_transport;

static const struct stream_kind kind = {
    .transport = &ih_ipc_transport,
    .local = true,
    .parse_bind = parse_bind,
    .parse_connect = parse_connect,
    .admits = admits,
};

static int bind_ipc(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    return stream_bind(socket, &kind, address, result);
}

static int connect_ipc(struct ih_socket *socket, const char *address, struct ih_endpoint **result)
{
    return stream_connect(socket, &kind, address, result);
}

const struct ih_transport_ops ih_ipc_transport = {
    .scheme = "ipc",
    .uses_io = true,
    .bind = bind_ipc,
    .connect = connect_ipc,
    .close = stream_endpoint_close,
};
