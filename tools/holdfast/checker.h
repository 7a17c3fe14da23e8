/*
 * `holdfast check-initiator -- COMMAND`: runs of active checks (tools/check), each with a target,
 * a tap on the wire and the user's command of its own.
 */
#ifndef TOOLS_HOLDFAST_CHECKER_H
#define TOOLS_HOLDFAST_CHECKER_H

#include <sys/types.h>

#include "tools/check/judge.h"
#include "tools/check/result.h"
#include "tools/check/row.h"
#include "tools/holdfast/command.h"

#define CHECKER_TARGET	      "iqn.2026-11.io.holdfast:check"
#define CHECKER_USER	      "initiator"
#define CHECKER_SECRET	      "a-secret-for-tests"
#define CHECKER_TARGET_USER   "target"
#define CHECKER_TARGET_SECRET "another-secret-too"
#define CHECKER_SHORT_SECRET  "shortone"
#define CHECKER_PORTALS_MAX   2
#define CHECKER_CANNOT_START  127  /* exit status of a command that there is not */
#define CHECKER_OUTPUT_MAX    4096 /* bytes of what a command says that are kept: the last ones */

struct checker_options {
	const char *holdfastd;	    /* path */
	const char *const *command; /* NULL-terminated */
	unsigned jobs;
	unsigned time_limit_s; /* for one run of the command */
	int wrong_data_status; /* exit status that says "what I read is not what I wrote" */
	uint32_t first_lba;    /* reads and writes below are the initiator's own affair */
};

#define CHECKER_BLOCKS 16384 /* of the disk */

#define CHECKER_CHECKS_MAX 512 /* times --check */

struct check_options {
	struct checker_options runs;
	bool list, all;
	const char *explain, *groups, *json, *junit, *html; /* NULL: not given */
	const char *checks[CHECKER_CHECKS_MAX];
	size_t check_count;
	char own_path[STATE_FILE_MAX];
};

/* False: end with *ret_status. Borrows `argv`. */
bool check_options_parse(int argc, char **argv, struct check_options *ret,
			 enum exit_status *ret_status);

uint64_t checker_now_ms(void);

/* ---- the tap: a portal that passes everything on to the target's, and records it ------------- */

struct checker_tap;

struct checker_tap *checker_tap_create(struct check_record *record);
void checker_tap_free(struct checker_tap **tap);
/* Listens on a free port of 127.0.0.1; the port, 0: said why. At most CHECKER_PORTALS_MAX. */
uint16_t checker_tap_listen(struct checker_tap *tap);
/* Where that portal leads to. */
void checker_tap_lead(struct checker_tap *tap, unsigned portal, uint16_t port);
/* Moves what there is to move, for up to `timeout_ms`, or until `fd` (-1: none) can be read. */
void checker_tap_poll(struct checker_tap *tap, int fd, int timeout_ms);
/* The clock of the record begins now. */
void checker_tap_begin(struct checker_tap *tap);
uint32_t checker_tap_ms(const struct checker_tap *tap);
size_t checker_tap_connections(const struct checker_tap *tap);
/* Resets all connections. */
void checker_tap_cut(struct checker_tap *tap);

/* ---- the target ------------------------------------------------------------------------------ */

struct checker_target {
	pid_t pid; /* 0: does not run */
	char folder[64];
	uint16_t tap_ports[CHECKER_PORTALS_MAX], ports[CHECKER_PORTALS_MAX];
	unsigned portals;
	uint32_t first_lba;
	const struct check_run *run;
	enum check_work work;	  /* that the command is asked for */
	struct arguments control; /* how it is asked */
};

/* A folder, and a running holdfastd with the run's settings. False: said why. */
bool checker_target_start(struct checker_target *target, const char *holdfastd);
/* The same again in its folder. */
bool checker_target_restart(struct checker_target *target, const char *holdfastd);
void checker_target_kill(struct checker_target *target);
/* Kills it, if it runs, and removes the folder. */
void checker_target_finish(struct checker_target *target);
/* Gives it the run's rules. False: it does not take one, and `ret_why` has the reason. */
bool checker_target_misbehave(struct checker_target *target, char *ret_why, size_t len);
/* The reply, or NULL. */
json_t *checker_target_ask(struct checker_target *target, const char *command);
/* Sets its clock forward. */
void checker_target_step(struct checker_target *target, unsigned ms);

/* ---- the user's command ---------------------------------------------------------------------- */

struct checker_child {
	pid_t pid; /* 0: does not run */
	int out;   /* what it says; -1: closed */
	char *output;
	size_t output_len;
	int status; /* of waitpid, once it has ended */
};

/* Place holders of its words are replaced. False: said why. */
bool checker_child_start(struct checker_child *child, const struct checker_options *options,
			 const struct checker_target *target);
/* Reads what it says. True: it has ended. */
bool checker_child_poll(struct checker_child *child);
/* With all that it started. */
void checker_child_kill(struct checker_child *child);

/* Replaces {portal}, {target}, ... in a text. NULL: no memory. Freed by the caller. */
char *checker_fill(const char *text, const struct checker_target *target);

/* A rule of a row as the target gets it: filled, and for reads and writes from the first LBA on.
 * NULL: no memory. Freed by the caller. */
char *checker_rule(const char *rule, const struct checker_target *target);

/* ---- runs ------------------------------------------------------------------------------------ */

/* One run. `ret` has been zeroed, and is freed with check_run_result_finish. */
void checker_run(const struct check_run *run, const struct checker_options *options,
		 struct check_run_result *ret);
/* All that `result` lists, several at a time. */
void checker_run_all(struct check_report *report, const struct checker_options *options);

#endif
