/* SPDX-License-Identifier: ISC */
/* A ZAP handler (RFC 27) that lets in everybody who proves a key by CURVE, and says which. */
#ifndef IH_LIBCURVE_ZAP_HANDLER_H
#define IH_LIBCURVE_ZAP_HANDLER_H

/* Becomes the context's handler; the caller closes the socket. -EADDRINUSE: it has one. */
int ih_zap_handler_open(void **socket, void *context);

/* Answers one request: 200 with the key in Z85 as User-Id for this domain and mechanism CURVE, else 400. 0 if there was
 * none, too. */
int ih_zap_handler_answer(void *socket, const char *domain);

#endif
