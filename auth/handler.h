/* SPDX-License-Identifier: ISC */
/* ZAP (RFC 27) on a ROUTER: requests become decisions, verdicts become replies, in whatever order they are decided. */
#ifndef IH_AUTH_HANDLER_H
#define IH_AUTH_HANDLER_H

#include "auth/decision.h"
#include "auth/message.h"

/* Takes what waits, some of it: false if the socket has ended. */
bool auth_handler_read(struct ironauth *auth, void **socket);

/* One request of a message, of which the envelope is taken. socket: where the reply goes, if *socket is not NULL then. */
void auth_handler_request(struct ironauth *auth, void **socket, enum auth_caller caller, struct auth_message *message);

/* After a review: connections about which nothing was answered ask anew, and the same (ironhouse.h). Each such question joins
 * its decision, which goes on: who waits for a password's turn loses nothing, and no attempt counts twice. */
void auth_handler_voided(struct ironauth *auth);

#endif
