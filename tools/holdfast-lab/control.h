/*
 * What is asked of the lab's own target through its control socket.
 */
#ifndef TOOLS_HOLDFAST_LAB_CONTROL_H
#define TOOLS_HOLDFAST_LAB_CONTROL_H

#include <jansson.h>

/*
 * Sends the request to the socket of this path and waits for the answer, which is a new reference.
 * NULL: it was refused, or there was no answer, and `why` says so.
 */
json_t *control_ask(const char *path, const json_t *request, char *why, size_t why_len);

/* For who asks by himself; a read waits as long at most. -1 with errno. */
int control_connect(const char *path);

#endif
