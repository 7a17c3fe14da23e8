#include "tools/holdfast-lab/decided.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/holdfast-lab/control.h"
#include "tools/lab/cdb.h"

#define PATH_MAX_BYTES 256
#define SENT_MAX       1024 /* commands of one nexus that the target may still tell of */
#define READ_PIECE     65536
#define LINE_MAX_BYTES (1024 * 1024)

static const char request[] = "{\"command\":\"trace\",\"follow\":true,\"kind\":\"decision\"}\n";

struct sent {
	uint64_t command;
	uint64_t at_ns; /* since 1970, as the target counts */
	uint32_t tag, session;
	enum history_op op;
	bool told;
};

/* The last commands of one nexus. */
struct sender {
	struct sent *sent; /* [SENT_MAX]; NULL: none yet */
	uint64_t count;	   /* all that there ever were */
};

struct decided {
	struct recorder *recorder;
	const struct own *own;
	struct applied *applied;
	struct sender senders[HISTORY_NEXUSES_MAX];
	int fd;	  /* -1: it does not tell */
	bool gap; /* the target has forgotten something before it told */
	char *text;
	size_t len, capacity;
};

struct decided *decided_create(struct recorder *recorder, const struct own *own,
			       struct applied *applied)
{
	struct decided *decided = calloc(1, sizeof(*decided));

	if (!decided)
		return NULL;
	decided->recorder = recorder;
	decided->own = own;
	decided->applied = applied;
	decided->fd = -1;
	return decided;
}

static void let_go(struct decided *decided)
{
	if (decided->fd >= 0)
		close(decided->fd);
	decided->fd = -1;
	decided->len = 0;
	decided->gap = false;
}

void decided_free(struct decided **decided)
{
	if (!*decided)
		return;
	let_go(*decided);
	for (size_t i = 0; i < HISTORY_NEXUSES_MAX; i++)
		free((*decided)->senders[i].sent);
	free((*decided)->text);
	free(*decided);
	*decided = NULL;
}

/* ---- which command it was ---- */

void decided_note_sent(void *context, const struct command_sent *command)
{
	struct decided *decided = context;
	struct sender *sender = &decided->senders[command->nexus];
	struct timespec now;

	if (!sender->sent)
		sender->sent = calloc(SENT_MAX, sizeof(*sender->sent));
	if (!sender->sent)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	sender->sent[sender->count++ % SENT_MAX] = (struct sent){
		.command = command->number,
		.at_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
		.tag = command->tag,
		.session = command->session,
		.op = command->op,
	};
}

static struct sent *sent_back(const struct sender *sender, uint64_t back)
{
	return &sender->sent[(sender->count - back) % SENT_MAX];
}

static uint64_t kept(const struct sender *sender)
{
	if (!sender->sent)
		return 0;
	return sender->count < SENT_MAX ? sender->count : SENT_MAX;
}

/* Sessions of a nexus use the same tags: of those that were sent by then, the last one. */
static struct sent *find_tag(const struct sender *sender, uint32_t tag, uint64_t time_ns)
{
	for (uint64_t back = 1; back <= kept(sender); back++) {
		struct sent *sent = sent_back(sender, back);
		if (sent->tag == tag && sent->at_ns <= time_ns)
			return sent;
	}
	return NULL;
}

/* Which tag a reset has the target does not tell: those of a session come in the order in which
 * they were sent. */
static struct sent *find_reset(const struct sender *sender, enum history_op op, uint64_t time_ns)
{
	struct sent *found = NULL;
	uint32_t session = 0;

	for (uint64_t back = 1; back <= kept(sender); back++) {
		struct sent *sent = sent_back(sender, back);
		if (sent->at_ns > time_ns)
			continue;
		if (session != 0 && sent->session != session)
			break;
		session = sent->session;
		if (sent->op == op && !sent->told)
			found = sent;
	}
	return found;
}

/* ---- what it tells ---- */

static uint64_t number_of(const json_t *event, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(event, name));

	return number > 0 ? (uint64_t)number : 0;
}

static const char *text_of(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text ? text : "";
}

static uint32_t nexus_of(const struct decided *decided, const json_t *event)
{
	uint64_t number = strtoull(text_of(event, "isid"), NULL, 16);
	uint8_t isid[6];
	uint32_t count;
	const struct history_nexus *nexuses = recorder_nexuses(decided->recorder, &count);

	for (size_t i = 0; i < sizeof(isid); i++)
		isid[i] = (uint8_t)(number >> 8 * (sizeof(isid) - 1 - i));
	return cdb_nexus_find(nexuses, count, text_of(event, "initiator"), isid,
			      (uint16_t)number_of(event, "port"));
}

static enum history_op reset_of(const json_t *event)
{
	const char *function = text_of(event, "function");

	if (strcmp(function, "LOGICAL UNIT RESET") == 0)
		return HISTORY_LUN_RESET;
	return strcmp(function, "TARGET WARM RESET") == 0 ? HISTORY_TARGET_RESET
							  : HISTORY_OP_INVALID;
}

static void tell(struct decided *decided, uint32_t nexus, struct sent *sent,
		 enum history_outcome outcome, uint32_t generation)
{
	if (!sent || sent->told)
		return;
	sent->told = true;
	recorder_decided(decided->recorder, nexus, sent->command, outcome, generation);
}

/* What it has forgotten before, and what nobody here sent, the journal still has. */
static void tell_change(struct decided *decided, const json_t *event, uint32_t nexus,
			struct sent *sent)
{
	unsigned lun = (unsigned)number_of(event, "lun");
	uint64_t record = number_of(event, "record");

	if (record > 0 && (decided->gap || !sent || sent->told))
		applied_quote_until(decided->applied, lun, sent ? record - 1 : record);
	if (record > 0)
		decided->gap = false;
	applied_know(decided->applied, lun, record);
	tell(decided, nexus, sent, HISTORY_GOOD, (uint32_t)number_of(event, "generation"));
}

static void take_event(struct decided *decided, const json_t *event)
{
	const char *kind = text_of(event, "kind");
	uint64_t time_ns = number_of(event, "time_ns");
	uint32_t nexus = nexus_of(decided, event);
	const struct sender *sender = nexus == HISTORY_NO_NEXUS ? NULL : &decided->senders[nexus];
	struct sent *sent;

	decided->gap |= number_of(event, "lost") > 0;
	if (!sender)
		return;
	sent = find_tag(sender, (uint32_t)number_of(event, "tag"), time_ns);
	if (strcmp(kind, "pr-change") == 0)
		tell_change(decided, event, nexus, sent);
	else if (strcmp(kind, "unit-attention") == 0)
		tell(decided, nexus, sent, HISTORY_CHECK, 0);
	else if (strcmp(kind, "command") == 0)
		tell(decided, nexus, sent, HISTORY_GOOD, 0);
	else if (strcmp(kind, "task-management") == 0)
		tell(decided, nexus, find_reset(sender, reset_of(event), time_ns), HISTORY_GOOD, 0);
}

/* ---- lines ---- */

static void take_lines(struct decided *decided)
{
	char *line = decided->text, *end = decided->text + decided->len, *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		json_t *event = json_loadb(line, (size_t)(newline - line), 0, NULL);
		if (event)
			take_event(decided, event);
		json_decref(event);
		line = newline + 1;
	}
	decided->len = (size_t)(end - line);
	memmove(decided->text, line, decided->len);
}

static bool make_room(struct decided *decided)
{
	size_t capacity = decided->len + READ_PIECE;
	char *text;

	if (decided->capacity >= capacity)
		return true;
	text = decided->len > LINE_MAX_BYTES ? NULL : realloc(decided->text, 2 * capacity);
	if (!text)
		return false;
	decided->text = text;
	decided->capacity = 2 * capacity;
	return true;
}

/* False: nothing more will come. */
static bool read_some(struct decided *decided, int flags, bool *ret_empty)
{
	ssize_t n;

	*ret_empty = false;
	if (!make_room(decided))
		return false;
	n = recv(decided->fd, decided->text + decided->len, READ_PIECE, flags);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN && (flags & MSG_DONTWAIT) != 0) {
		*ret_empty = true;
		return true;
	}
	if (n <= 0)
		return false;
	decided->len += (size_t)n;
	take_lines(decided);
	return true;
}

void decided_follow(struct decided *decided)
{
	char path[PATH_MAX_BYTES];
	bool empty, first = true;
	size_t len = sizeof(request) - 1;

	let_go(decided);
	decided->fd = control_connect(own_control_path(decided->own, path, sizeof(path)));
	if (decided->fd < 0)
		return;
	if (send(decided->fd, request, len, MSG_NOSIGNAL) == (ssize_t)len)
		/* With the first answer it has begun to take note. */
		first = read_some(decided, 0, &empty);
	if (!first)
		let_go(decided);
}

bool decided_quote(struct decided *decided)
{
	bool empty = false;

	while (decided->fd >= 0 && !empty)
		if (!read_some(decided, MSG_DONTWAIT, &empty))
			let_go(decided);
	return decided->fd >= 0;
}

void decided_end(struct decided *decided)
{
	bool empty;

	if (decided->fd < 0)
		return;
	/* One that lives tells what it has, and is done. */
	shutdown(decided->fd, SHUT_WR);
	while (read_some(decided, 0, &empty))
		;
	let_go(decided);
}
