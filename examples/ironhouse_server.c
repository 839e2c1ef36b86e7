/* SPDX-License-Identifier: ISC */
/* Ironhouse: CURVE, and only clients whose certificates are in a folder. What you want. */
#include <ironauth.h>
#include <stdio.h>
#include <zmq.h>

int main(int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, ZMQ_REP);
    ironauth_t *auth = ironauth_start(context, NULL);
    char bound[256];
    size_t size = sizeof bound;
    zmq_msg_t message;

    if (!auth || ironauth_curve_server(auth, server, "server.key", "clients") != 0) {
        fprintf(stderr, "%s\n", ironauth_error());
        return 1;
    }
    if (zmq_bind(server, endpoint) != 0 || zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
        perror(endpoint);
        return 1;
    }
    printf("%s\n", bound);
    fflush(stdout);
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, server, 0) >= 0) {
        printf("%s says %.*s\n", zmq_msg_gets(&message, "User-Id"), (int)zmq_msg_size(&message),
               (const char *)zmq_msg_data(&message));
        fflush(stdout);
        zmq_send(server, "welcome", 7, 0);
    }
    ironauth_stop(&auth);
    return 1;
}
