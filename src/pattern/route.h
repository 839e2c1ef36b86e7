/* SPDX-License-Identifier: ISC */
/* Routing ids: the names by which a ROUTER or STREAM addresses its peers (RFC 28). */
#ifndef IH_PATTERN_ROUTE_H
#define IH_PATTERN_ROUTE_H

#include "base/map.h"
#include "core/pipe.h"
#include "pattern/fair.h"

/* Owner: its pipe (pipe->data), until the pattern's detach; guarded by the socket's lock. */
struct ih_route {
    struct ih_map_node node; /* in the pattern's map, if listed */
    struct ih_pipe *pipe;
    bool listed; /* reachable by its id */
    bool chosen; /* the id was chosen by the peer or the application, not made here */
    bool silent; /* STREAM: we closed it, so its end is no news */
    uint8_t size;
    uint8_t id[];
};

/* An id for the next connection (ZMQ_CONNECT_ROUTING_ID); size 0: none. Owner: a pattern's state. */
struct ih_route_id {
    uint8_t size;
    uint8_t id[255];
};

/* Names the pipe, whose data it becomes. -EEXIST: a peer that is still there has this id. -ENOMEM. */
int ih_route_add(struct ih_map *map, struct ih_pipe *pipe, const void *id, uint8_t size);

/* The same with an id of ours. */
int ih_route_add_made(struct ih_map *map, struct ih_pipe *pipe);

/* Takes the id away from its peer, which can be read but not addressed any more. */
void ih_route_unlist(struct ih_map *map, struct ih_route *route);

/* Forgets the pipe's name, if it has one. */
void ih_route_drop(struct ih_map *map, struct ih_pipe *pipe);

/* The peer with this id, or NULL. */
struct ih_route *ih_route_find(const struct ih_map *map, const void *id, size_t size);

/* The pipe's id as a frame that others follow, with the connection's metadata if props. -ENOMEM. */
int ih_route_frame(const struct ih_pipe *pipe, struct ih_msg *msg, bool props);

/* Begins the next message: its first frame is the peer's id, and ih_fair_recv gives the others. -EAGAIN, -ENOMEM. */
int ih_route_begin(struct ih_fair *fair, struct ih_msg *msg, bool props);

/* ZMQ_CONNECT_ROUTING_ID. 0 or -EINVAL. */
int ih_route_read_id(struct ih_route_id *id, const void *value, size_t size);

#endif
