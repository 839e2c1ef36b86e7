/* SPDX-License-Identifier: ISC */
/* A program on the installed libcurve. */
#include <curve.h>

int main(void)
{
    curve_cert_t *cert = curve_cert_new();
    void *context = zmq_ctx_new();
    curve_socket_t *server = curve_server_new(context, cert);
    int ok = server && curve_bind(server, "tcp://127.0.0.1:*") == 0;

    curve_cert_destroy(&cert);
    ok = ok && curve_close(&server) == 0;
    return ok && zmq_ctx_term(context) == 0 ? 0 : 1;
}
