#include "tools/holdfast-lab/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/lab/cdb.h"

struct recorder {
	struct history_writer *writer;
	int error; /* the first */
	struct timespec started;
	uint64_t run;
	struct history_nexus *nexuses;
	uint32_t nexus_count;
	uint64_t command_count;
	uint32_t generation_base[HISTORY_LUNS_MAX];
	recorder_watch *watch;
	void *watch_context;
	char last[RECORDER_LAST_MAX][RECORDER_LINE_MAX];
	size_t last_count; /* all that there ever were */
};

struct recorder *recorder_create(FILE *out, const struct history_head *head)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return NULL;
	recorder->nexuses = calloc(HISTORY_NEXUSES_MAX, sizeof(*recorder->nexuses));
	recorder->writer = recorder->nexuses ? history_writer_create(out, head) : NULL;
	if (!recorder->writer) {
		free(recorder->nexuses);
		free(recorder);
		return NULL;
	}
	recorder->run = head->started_ms;
	clock_gettime(CLOCK_MONOTONIC, &recorder->started);
	return recorder;
}

int recorder_finish(struct recorder **recorder)
{
	int error;

	if (!*recorder)
		return 0;
	error = history_writer_finish(&(*recorder)->writer);
	if ((*recorder)->error != 0)
		error = (*recorder)->error;
	free((*recorder)->nexuses);
	free(*recorder);
	*recorder = NULL;
	return error;
}

uint64_t recorder_now_ns(const struct recorder *recorder)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec - recorder->started.tv_sec) * 1000000000 +
	       (uint64_t)now.tv_nsec - (uint64_t)recorder->started.tv_nsec;
}

uint64_t recorder_run(const struct recorder *recorder)
{
	return recorder->run;
}

uint64_t recorder_commands(const struct recorder *recorder)
{
	return recorder->command_count;
}

/* ---- the last events ---- */

static void keep_line(struct recorder *recorder, const struct history_event *event,
		      const char *text)
{
	char who[40] = "-";
	const struct history_nexus *nexus =
		event->nexus < recorder->nexus_count ? &recorder->nexuses[event->nexus] : NULL;

	if (nexus && nexus->label[0] != '\0')
		snprintf(who, sizeof(who), "%s", nexus->label);
	else if (nexus)
		snprintf(who, sizeof(who), "%" PRIu32, event->nexus);
	snprintf(recorder->last[recorder->last_count++ % RECORDER_LAST_MAX], RECORDER_LINE_MAX,
		 "%10.6f s  %-12s %-7s %s", (double)event->at_ns / 1e9, who,
		 history_kind_name(event->kind), text);
}

void recorder_print_last(const struct recorder *recorder, FILE *out)
{
	size_t count = recorder->last_count;
	size_t at = count > RECORDER_LAST_MAX ? count - RECORDER_LAST_MAX : 0;

	for (; at < count; at++)
		fprintf(out, "    %s\n", recorder->last[at % RECORDER_LAST_MAX]);
}

/* ---- events ---- */

static struct history_event event_now(const struct recorder *recorder, enum history_kind kind)
{
	return (struct history_event){.kind = kind,
				      .at_ns = recorder_now_ns(recorder),
				      .nexus = HISTORY_NO_NEXUS,
				      .command = HISTORY_NO_COMMAND};
}

static void put(struct recorder *recorder, const struct history_event *event, const char *text)
{
	int error = history_write(recorder->writer, event);

	if (recorder->error == 0)
		recorder->error = error;
	if (event->kind != HISTORY_MEDIUM && event->kind != HISTORY_APPLIED &&
	    event->kind != HISTORY_DECIDED)
		keep_line(recorder, event, text);
	if (recorder->watch)
		recorder->watch(recorder->watch_context, event);
}

void recorder_set_watch(struct recorder *recorder, recorder_watch *watch, void *context)
{
	recorder->watch = watch;
	recorder->watch_context = context;
}

uint32_t recorder_nexus(struct recorder *recorder, const struct history_nexus *nexus)
{
	struct history_event event = event_now(recorder, HISTORY_NEXUS);
	uint32_t known = cdb_nexus_find(recorder->nexuses, recorder->nexus_count, nexus->name,
					nexus->isid, nexus->target_port);

	if (known != HISTORY_NO_NEXUS || recorder->nexus_count == HISTORY_NEXUSES_MAX)
		return known;
	event.u.introduced = *nexus;
	event.u.introduced.number = recorder->nexus_count;
	recorder->nexuses[recorder->nexus_count++] = event.u.introduced;
	put(recorder, &event, nexus->label);
	return event.u.introduced.number;
}

const struct history_nexus *recorder_nexuses(const struct recorder *recorder, uint32_t *ret_count)
{
	*ret_count = recorder->nexus_count;
	return recorder->nexuses;
}

void recorder_session(struct recorder *recorder, enum history_kind kind, uint32_t nexus)
{
	struct history_event event = event_now(recorder, kind);

	event.nexus = nexus;
	put(recorder, &event, "");
}

void recorder_target(struct recorder *recorder, enum history_kind kind)
{
	struct history_event event = event_now(recorder, kind);

	if (history_kind_is_crash(kind))
		memset(recorder->generation_base, 0, sizeof(recorder->generation_base));
	put(recorder, &event, "");
}

uint64_t recorder_invoke(struct recorder *recorder, uint32_t nexus,
			 const struct history_command *command)
{
	struct history_event event = event_now(recorder, HISTORY_INVOKE);
	char text[160];

	event.nexus = nexus;
	event.command = recorder->command_count++;
	event.u.invoked = *command;
	put(recorder, &event, history_command_text(command, text, sizeof(text)));
	return event.command;
}

void recorder_return(struct recorder *recorder, uint32_t nexus, uint64_t command,
		     const struct history_command *invoked, const struct history_result *result)
{
	struct history_event event = event_now(recorder, HISTORY_RETURN);
	char what[80], how[120], text[220];

	event.nexus = nexus;
	event.command = command;
	event.u.returned = *result;
	if (history_op_is_pr_in(invoked->op) && result->outcome == HISTORY_GOOD &&
	    invoked->op != HISTORY_REPORT_CAPABILITIES)
		event.u.returned.generation -= recorder_generation_base(recorder, invoked->lun);
	snprintf(text, sizeof(text), "%s: %s", history_command_text(invoked, what, sizeof(what)),
		 history_result_text(invoked, &event.u.returned, how, sizeof(how)));
	put(recorder, &event, text);
}

void recorder_medium(struct recorder *recorder, uint16_t lun, uint64_t lba,
		     const struct history_tag *tag)
{
	struct history_event event = event_now(recorder, HISTORY_MEDIUM);

	event.u.medium.lun = lun;
	event.u.medium.lba = lba;
	event.u.medium.tag = *tag;
	put(recorder, &event, "");
}

void recorder_applied(struct recorder *recorder, uint32_t nexus,
		      const struct history_command *command)
{
	struct history_event event = event_now(recorder, HISTORY_APPLIED);

	event.nexus = nexus;
	event.u.invoked = *command;
	put(recorder, &event, "");
}

void recorder_decided(struct recorder *recorder, uint32_t nexus, uint64_t command,
		      enum history_outcome outcome, uint32_t generation)
{
	struct history_event event = event_now(recorder, HISTORY_DECIDED);

	event.nexus = nexus;
	event.command = command;
	event.u.returned = (struct history_result){.outcome = outcome, .generation = generation};
	put(recorder, &event, "");
}

void recorder_note(struct recorder *recorder, const char *text)
{
	struct history_event event = event_now(recorder, HISTORY_NOTE);

	snprintf(event.u.note, sizeof(event.u.note), "%s", text);
	put(recorder, &event, event.u.note);
}

void recorder_set_generation_base(struct recorder *recorder, uint16_t lun, uint32_t base)
{
	if (lun < HISTORY_LUNS_MAX)
		recorder->generation_base[lun] = base;
}

uint32_t recorder_generation_base(const struct recorder *recorder, uint16_t lun)
{
	return lun < HISTORY_LUNS_MAX ? recorder->generation_base[lun] : 0;
}
