/* SPDX-License-Identifier: ISC */
/* Grasslands: plain text. Anybody may connect, read and forge what is said: for a wire that is trusted already. */
#include <stdio.h>
#include <zmq.h>

int main(int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, ZMQ_REP);
    char bound[256];
    size_t size = sizeof bound;
    zmq_msg_t message;

    if (zmq_bind(server, endpoint) != 0 || zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, bound, &size) != 0) {
        perror(endpoint);
        return 1;
    }
    printf("%s\n", bound);
    fflush(stdout);
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, server, 0) >= 0) {
        printf("%s says %.*s\n", zmq_msg_gets(&message, "Peer-Address"), (int)zmq_msg_size(&message),
               (const char *)zmq_msg_data(&message));
        fflush(stdout);
        zmq_send(server, "welcome", 7, 0);
    }
    return 1;
}
