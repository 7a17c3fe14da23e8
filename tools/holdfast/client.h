/*
 * The daemon's control socket from the other side.
 */
#ifndef TOOLS_HOLDFAST_CLIENT_H
#define TOOLS_HOLDFAST_CLIENT_H

#include <signal.h>

#include "tools/holdfast/command.h"

/*
 * Sends one request (its reference is taken over) and gives the reply object. On anything but
 * STATUS_OK the person has been told why, and what to do.
 */
enum exit_status client_ask(const struct arguments *arguments, json_t *request, json_t **ret_reply);

/* The same without a word to the person: the reply, whether it says yes or no. NULL: none came. */
json_t *client_exchange(const char *path, json_t *request);
/*
 * The same for a request whose reply never ends: `each` gets every line, also the first, and
 * returns false when it has enough. STATUS_OK also when the daemon has gone after a whole line.
 */
enum exit_status client_follow(const struct arguments *arguments, json_t *request,
			       bool (*each)(void *context, const json_t *line), void *context);

/* The same, until `*stopped` becomes 1 by a signal: then what has happened so far still comes. */
enum exit_status client_follow_until(const struct arguments *arguments, json_t *request,
				     bool (*each)(void *context, const json_t *line), void *context,
				     const volatile sig_atomic_t *stopped);

#endif
