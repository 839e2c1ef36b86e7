/* SPDX-License-Identifier: ISC */
/* A handler's reply (RFC 27, "Message Format"): frames in, a verdict out. Pure. */
#ifndef IH_ZAP_REPLY_H
#define IH_ZAP_REPLY_H

#include "base/queue.h"
#include "core/zap.h"

#define IH_ZAP_VERSION "1.0"
/* Each question has a link of its own, so that all may have the same. */
#define IH_ZAP_REQUEST_ID "1"

/* Address delimiter, version, request id, status code, status text, user id, metadata. */
enum { IH_ZAP_REPLY_FRAMES = 7 };

/* Takes the first message out of the queue; what is behind it is of no interest. Returns the number of its frames, of which
 * the first IH_ZAP_REPLY_FRAMES are in frames and the caller's to close. */
size_t ih_zap_collect(struct ih_queue *queue, struct ih_msg frames[IH_ZAP_REPLY_FRAMES]);

/* Reads a reply of count frames; result refers to them. Returns the ZMQ_PROTOCOL_ERROR_ZAP_ value that is wrong with it, and
 * leaves the status 0 then; or 0. */
int ih_zap_parse(struct ih_msg *frames, size_t count, struct ih_zap_result *result);

#endif
