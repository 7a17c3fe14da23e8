/*
 * The control socket: a unix stream in the state directory, one JSON object a line in both
 * directions. See holdfast-control(7).
 */
#ifndef TOOLS_HOLDFASTD_CONTROL_H
#define TOOLS_HOLDFASTD_CONTROL_H

#include "tools/holdfastd/service.h"

#define CONTROL_REQUEST_MAX	(64 * 1024) /* bytes of one request line */
#define CONTROL_CLIENTS_MAX	8
#define CONTROL_IDLE_TIMEOUT_S	60.0 /* between requests */
#define CONTROL_STALL_TIMEOUT_S 10.0 /* a reply of which nothing is taken */

struct control;

/* Binds and listens. NULL with a sentence in ret_error. */
struct control *control_open(struct service *service, char ret_error[STATE_ERROR_MAX]);
/* Cuts the clients and removes the socket. */
void control_close(struct control **control);
/* Removes the socket's name only: for leaving in a hurry. */
void control_unlink(const struct control *control);
const char *control_path(const struct control *control);

#endif
