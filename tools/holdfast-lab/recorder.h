/*
 * Writes down what happens: the one clock of a run, the numbers of nexuses and commands, and the
 * last events as text for whoever has to explain a failure.
 */
#ifndef TOOLS_HOLDFAST_LAB_RECORDER_H
#define TOOLS_HOLDFAST_LAB_RECORDER_H

#include "tools/lab/history.h"

#define RECORDER_LAST_MAX 32  /* events that are kept as text */
#define RECORDER_LINE_MAX 240 /* bytes of one */

struct recorder;

/* `out` stays the caller's. NULL with errno. */
struct recorder *recorder_create(FILE *out, const struct history_head *head);
/* Flushes. 0 or the negative errno of the first write that failed. */
int recorder_finish(struct recorder **recorder);

/* Is told of each event once it is written. NULL: nobody is. */
typedef void recorder_watch(void *context, const struct history_event *event);
void recorder_set_watch(struct recorder *recorder, recorder_watch *watch, void *context);

/* Nanoseconds since the start. */
uint64_t recorder_now_ns(const struct recorder *recorder);
/* What the run's tags carry. */
uint64_t recorder_run(const struct recorder *recorder);

/*
 * The nexus of this initiator port and target port, introduced when it is new. HISTORY_NO_NEXUS:
 * there are HISTORY_NEXUSES_MAX.
 */
uint32_t recorder_nexus(struct recorder *recorder, const struct history_nexus *nexus);
const struct history_nexus *recorder_nexuses(const struct recorder *recorder, uint32_t *ret_count);

/* LOGIN, LOGOUT, LOST. */
void recorder_session(struct recorder *recorder, enum history_kind kind, uint32_t nexus);
/* CRASH, UP. */
void recorder_target(struct recorder *recorder, enum history_kind kind);
/* Returns the command's number. */
uint64_t recorder_invoke(struct recorder *recorder, uint32_t nexus,
			 const struct history_command *command);
void recorder_return(struct recorder *recorder, uint32_t nexus, uint64_t command,
		     const struct history_command *invoked, const struct history_result *result);
void recorder_medium(struct recorder *recorder, uint16_t lun, uint64_t lba,
		     const struct history_tag *tag);
/* The target says that this PERSISTENT RESERVE OUT changed something next. */
void recorder_applied(struct recorder *recorder, uint32_t nexus,
		      const struct history_command *command);
/* The target says that it decided this command next, and how: HISTORY_GOOD or HISTORY_CHECK. */
void recorder_decided(struct recorder *recorder, uint32_t nexus, uint64_t command,
		      enum history_outcome outcome, uint32_t generation);
void recorder_note(struct recorder *recorder, const char *text);

/*
 * PRGENERATION of a LUN when the run began, on a target that was not started for it. Results are
 * recorded as what came on top, until a crash takes the generation back to 0.
 */
void recorder_set_generation_base(struct recorder *recorder, uint16_t lun, uint32_t base);
uint32_t recorder_generation_base(const struct recorder *recorder, uint16_t lun);

/* How many commands were invoked. */
uint64_t recorder_commands(const struct recorder *recorder);
/* The last events, oldest first, one line each. */
void recorder_print_last(const struct recorder *recorder, FILE *out);

#endif
