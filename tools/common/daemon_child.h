/*
 * A holdfastd as a child of a tool: started on the holdfast.conf of a folder, ready when it says
 * so, gone with its parent.
 */
#ifndef TOOLS_COMMON_DAEMON_CHILD_H
#define TOOLS_COMMON_DAEMON_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Its ready line, for the caller to json_decref; NULL: it did not get ready within a minute, or
 * said something else. *ret_pid is the child's even then; 0 with errno when there is none. What it
 * says on standard error is appended to `log` in the folder. In a group of its own it does not get
 * the terminal's Ctrl-C. `environment` (NULL: nothing) has what it gets besides the caller's:
 * NAME=VALUE, NULL at the end.
 */
json_t *daemon_child_start(const char *holdfastd, const char *folder, bool in_own_group,
			   const char *const *environment, pid_t *ret_pid);

/* The folder with everything in it. */
void daemon_child_remove_folder(const char *folder);

#endif
