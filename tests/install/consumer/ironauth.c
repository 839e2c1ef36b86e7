/* SPDX-License-Identifier: ISC */
/* A program on the installed libironauth, and on what this libzmq alone has. */
#include <ironauth.h>
#include <ironhouse.h>
#include <zmq.h>

static void never(void *arg, uint64_t id, const ironhouse_connection_t *connection)
{
    (void)id;
    (void)connection;
    *(int *)arg = 1;
}

int main(void)
{
    void *context = zmq_ctx_new();
    ironauth_t *auth = ironauth_start(context, 0);
    int called = 0;
    int ok = auth && ironhouse_connections(context, never, &called) == 0 && !called;

    ironauth_stop(&auth);
    return ok && zmq_ctx_term(context) == 0 ? 0 : 1;
}
