/* SPDX-License-Identifier: ISC */
/* Grasslands: the client. */
#include <stdio.h>
#include <zmq.h>

int main(int argc, char **argv)
{
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:9000";
    void *context = zmq_ctx_new();
    void *client = zmq_socket(context, ZMQ_REQ);
    char answer[256];
    int size;

    zmq_setsockopt(client, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_setsockopt(client, ZMQ_RCVTIMEO, &(int){10000}, sizeof(int));
    if (zmq_connect(client, endpoint) != 0 || zmq_send(client, "hello", 5, 0) != 5) {
        perror(endpoint);
        return 1;
    }
    size = zmq_recv(client, answer, sizeof answer, 0);
    if (size < 0)
        fprintf(stderr, "no answer: the server is away, or does not let us in\n");
    else
        printf("%.*s\n", size < (int)sizeof answer ? size : (int)sizeof answer, answer);
    zmq_close(client);
    zmq_ctx_term(context);
    return size < 0;
}
