/*
 * The subcommands of holdfast(1), and what they share.
 */
#ifndef TOOLS_HOLDFAST_COMMAND_H
#define TOOLS_HOLDFAST_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/state_path.h"

/* Exit statuses of holdfast(1). */
enum exit_status {
	STATUS_OK = 0,
	STATUS_DAMAGED = 1,   /* `journal check`: the LUN must not come online */
	STATUS_USAGE = 2,     /* the command line is wrong */
	STATUS_NO_DAEMON = 3, /* nobody answers on the control socket */
	STATUS_FAILED = 4,    /* the daemon, or the file, said no */
};

#define ARGUMENTS_MAX 64 /* words behind a subcommand */

struct arguments {
	char control[STATE_FILE_MAX]; /* path of the socket */
	const char *target;	      /* NULL: not given */
	bool json;
	/* Which events of the trace; NULL: not given. */
	const char *initiator, *lun, *name, *status, *kind, *last;
	bool follow, pdus;
	const char *duration, *count, *snap;  /* of capture; NULL: not given */
	const char *words[ARGUMENTS_MAX + 1]; /* behind the subcommand's own; NULL-terminated */
};

struct command {
	const char *words[2]; /* "pr", "show"; the second may be NULL */
	const char *operands; /* for the usage text */
	int operands_min, operands_max;
	const char *doc;
	enum exit_status (*run)(const struct arguments *arguments);
};

enum exit_status command_status(const struct arguments *arguments);
enum exit_status command_sessions(const struct arguments *arguments);
enum exit_status command_pr_show(const struct arguments *arguments);
enum exit_status command_lun_add(const struct arguments *arguments);
enum exit_status command_lun_remove(const struct arguments *arguments);
enum exit_status command_lun_resize(const struct arguments *arguments);
enum exit_status command_alua_show(const struct arguments *arguments);
enum exit_status command_alua_set(const struct arguments *arguments);
enum exit_status command_observe_on(const struct arguments *arguments);
enum exit_status command_observe_off(const struct arguments *arguments);
enum exit_status command_observe_show(const struct arguments *arguments);
enum exit_status command_observe_clear(const struct arguments *arguments);
enum exit_status command_clock(const struct arguments *arguments);
enum exit_status command_clock_freeze(const struct arguments *arguments);
enum exit_status command_clock_step(const struct arguments *arguments);
enum exit_status command_clock_resume(const struct arguments *arguments);
enum exit_status command_fault_add(const struct arguments *arguments);
enum exit_status command_fault_list(const struct arguments *arguments);
enum exit_status command_fault_clear(const struct arguments *arguments);
enum exit_status command_fault_release(const struct arguments *arguments);
/* Has a command line of its own; argv[0] is its name. */
enum exit_status command_check_initiator(int argc, char **argv);
enum exit_status command_async(const struct arguments *arguments);
enum exit_status command_capture(const struct arguments *arguments);
enum exit_status command_explain(const struct arguments *arguments);
enum exit_status command_trace(const struct arguments *arguments);
enum exit_status command_journal_show(const struct arguments *arguments);
enum exit_status command_journal_check(const struct arguments *arguments);

/* "3": false after the person was told what a LUN is. */
bool parse_lun(const char *text, json_int_t *ret_lun);

#endif
