/* SPDX-License-Identifier: ISC */
/* Routing ids. */
#include "pattern/route.h"

#include <stdlib.h>

#include "core/socket.h"

static int add(struct ih_map *map, struct ih_pipe *pipe, const void *id, uint8_t size, bool chosen)
{
    struct ih_route *route = malloc(sizeof *route + size);
    int rc;

    if (!route)
        return -ENOMEM;
    route->pipe = pipe;
    route->listed = true;
    route->chosen = chosen;
    route->silent = false;
    route->size = size;
    memcpy(route->id, id, size);
    rc = ih_map_insert(map, &route->node, route->id, size);
    if (rc < 0) {
        free(route);
        return rc;
    }
    pipe->data = route;
    return 0;
}

int ih_route_add(struct ih_map *map, struct ih_pipe *pipe, const void *id, uint8_t size)
{
    struct ih_map_node *node = ih_map_find(map, id, size);
    struct ih_route *old = node ? IH_CONTAINER(node, struct ih_route, node) : NULL;

    if (old && !old->pipe->ended)
        return -EEXIST;
    if (old)
        ih_route_unlist(map, old);
    return add(map, pipe, id, size, true);
}

int ih_route_add_made(struct ih_map *map, struct ih_pipe *pipe)
{
    uint8_t id[5];
    int rc;

    /* A peer may have chosen an id that looks like ours. */
    do {
        ih_socket_make_id(pipe->socket, id);
        rc = add(map, pipe, id, sizeof id, false);
    } while (rc == -EEXIST);
    return rc;
}

void ih_route_unlist(struct ih_map *map, struct ih_route *route)
{
    if (route->listed)
        ih_map_remove(map, &route->node);
    route->listed = false;
}

void ih_route_drop(struct ih_map *map, struct ih_pipe *pipe)
{
    struct ih_route *route = pipe->data;

    if (!route)
        return;
    ih_route_unlist(map, route);
    pipe->data = NULL;
    free(route);
}

struct ih_route *ih_route_find(const struct ih_map *map, const void *id, size_t size)
{
    struct ih_map_node *node = ih_map_find(map, id, size);
    struct ih_route *route = node ? IH_CONTAINER(node, struct ih_route, node) : NULL;

    return route && !route->pipe->ended ? route : NULL;
}

int ih_route_frame(const struct ih_pipe *pipe, struct ih_msg *msg, bool props)
{
    const struct ih_route *route = pipe->data;
    int rc = ih_msg_init_copy(msg, route->id, route->size);

    if (rc < 0)
        return rc;
    msg->flags |= IH_MSG_MORE;
    if (props && pipe->props)
        ih_msg_set_props(msg, pipe->props);
    return 0;
}

int ih_route_begin(struct ih_fair *fair, struct ih_msg *msg, bool props)
{
    struct ih_pipe *pipe = ih_fair_next(fair);
    int rc;

    if (!pipe)
        return -EAGAIN;
    rc = ih_route_frame(pipe, msg, props);
    if (rc < 0)
        return rc;
    /* From here on the message is being read: it is the next, and it is kept if the pipe is given up. */
    fair->current = pipe;
    pipe->in_open = true;
    return 0;
}

int ih_route_read_id(struct ih_route_id *id, const void *value, size_t size)
{
    if (size < 1 || size > sizeof id->id)
        return -EINVAL;
    id->size = (uint8_t)size;
    memcpy(id->id, value, size);
    return 0;
}
