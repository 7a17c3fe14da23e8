/*
 * Sessions of initiators, and the loop that polls them all.
 */
#include "tools/holdfast-lab/initiator.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/holdfast-lab/initiator_internal.h"

#define SESSION_TIMEOUT_NS 30000000000u /* for a login, and for a logout */
#define NS_PER_MS	   1000000u

/* ---- sessions ---- */

static void told(struct initiator *initiator, bool up)
{
	session_done *done = initiator->done;

	initiator->done = NULL;
	if (done && !initiator->loop->closing)
		done(initiator->context, initiator, up, initiator->why);
}

static void destroy(struct initiator *initiator)
{
	struct iscsi_context *iscsi = initiator->iscsi;
	struct pending *pending;

	initiator->state = INITIATOR_DOWN;
	initiator->stalled_until_ns = 0;
	initiator->broken = false;
	initiator->fresh = false;
	initiator->iscsi = NULL;
	if (iscsi)
		iscsi_destroy_context(iscsi); /* may call back; all that were sent have ended */
	DL_FOREACH(initiator->pendings, pending)
	pending->released = true;
}

void initiator_drop(struct initiator *initiator)
{
	bool was_up = initiator->state == INITIATOR_UP || initiator->state == INITIATOR_LOGGING_OUT;

	/* LOST comes first: the target may have been rid of the session before it was noticed. */
	if (was_up)
		recorder_session(initiator->loop->recorder, HISTORY_LOST, initiator->nexus);
	initiator_give_up(initiator, NULL);
	destroy(initiator);
}

static void fail(struct initiator *initiator)
{
	enum initiator_state was = initiator->state;

	if (initiator->iscsi && initiator->why[0] == '\0')
		snprintf(initiator->why, sizeof(initiator->why), "%s",
			 iscsi_get_error(initiator->iscsi));
	initiator_drop(initiator);
	if (was == INITIATOR_UP && initiator->lost && !initiator->loop->closing)
		initiator->lost(initiator->lost_context, initiator, false, initiator->why);
	else if (was != INITIATOR_UP)
		told(initiator, false);
}

static void on_login(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct initiator *initiator = private;

	(void)data;
	if (initiator->iscsi != iscsi || initiator->state != INITIATOR_LOGGING_IN)
		return;
	if (status != SCSI_STATUS_GOOD) {
		initiator->broken = true;
		return;
	}
	initiator->state = INITIATOR_UP;
	initiator->fresh = true;
	recorder_session(initiator->loop->recorder, HISTORY_LOGIN, initiator->nexus);
}

static void on_connect(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct initiator *initiator = private;

	(void)data;
	if (initiator->iscsi != iscsi || initiator->state != INITIATOR_CONNECTING)
		return;
	initiator->state = INITIATOR_LOGGING_IN;
	if (status != SCSI_STATUS_GOOD || iscsi_login_async(iscsi, on_login, initiator) != 0)
		initiator->broken = true;
}

static void on_logout(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct initiator *initiator = private;

	(void)data;
	if (initiator->iscsi != iscsi || initiator->state != INITIATOR_LOGGING_OUT)
		return;
	if (status == SCSI_STATUS_GOOD)
		initiator->fresh = true;
	else
		initiator->broken = true;
}

/* The six bytes as the library takes them; it knows the four types of RFC 7143 11.12.5. */
static bool set_isid(struct iscsi_context *iscsi, const uint8_t isid[6])
{
	uint32_t middle = (uint32_t)isid[1] << 16 | (uint32_t)isid[2] << 8 | isid[3];
	uint32_t last = (uint32_t)isid[4] << 8 | isid[5];

	switch (isid[0] & 0xc0) {
	case 0x00:
		return iscsi_set_isid_oui(iscsi, (uint32_t)isid[0] << 16 | middle >> 8,
					  (uint32_t)isid[3] << 16 | last) == 0;
	case 0x40:
		return isid[0] == 0x40 && iscsi_set_isid_en(iscsi, middle, last) == 0;
	case 0x80:
		return isid[0] == 0x80 && iscsi_set_isid_random(iscsi, middle, last) == 0;
	default:
		return false;
	}
}

uint32_t initiator_nexus(struct initiator *initiator)
{
	const struct lab_target *target = &initiator->loop->target;
	struct history_nexus nexus = {.number = 0};

	if (initiator->nexus != HISTORY_NO_NEXUS)
		return initiator->nexus;
	memcpy(nexus.name, initiator->name, sizeof(nexus.name));
	memcpy(nexus.isid, initiator->isid, sizeof(nexus.isid));
	memcpy(nexus.label, initiator->label, sizeof(nexus.label));
	nexus.target_port = target->portals[initiator->portal].target_port;
	memcpy(nexus.portal, target->portals[initiator->portal].address, sizeof(nexus.portal));
	initiator->nexus = recorder_nexus(initiator->loop->recorder, &nexus);
	return initiator->nexus;
}

void initiator_login(struct initiator *initiator, session_done *done, void *context)
{
	struct loop *loop = initiator->loop;

	assert(initiator->state == INITIATOR_DOWN);
	initiator->done = done;
	initiator->context = context;
	initiator->why[0] = '\0';
	initiator->state = INITIATOR_CONNECTING;
	initiator->sessions++;
	initiator->deadline_ns = recorder_now_ns(loop->recorder) + SESSION_TIMEOUT_NS;
	initiator->iscsi = iscsi_create_context(initiator->name);
	if (initiator_nexus(initiator) == HISTORY_NO_NEXUS || !initiator->iscsi ||
	    !set_isid(initiator->iscsi, initiator->isid)) {
		snprintf(initiator->why, sizeof(initiator->why),
			 "too many nexuses, no memory, or an ISID of a reserved type");
		initiator->broken = true;
		return;
	}
	iscsi_set_noautoreconnect(initiator->iscsi, 1);
	iscsi_set_targetname(initiator->iscsi, loop->target.name);
	iscsi_set_session_type(initiator->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(initiator->iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	if (initiator->solicited) {
		iscsi_set_immediate_data(initiator->iscsi, ISCSI_IMMEDIATE_DATA_NO);
		iscsi_set_initial_r2t(initiator->iscsi, ISCSI_INITIAL_R2T_YES);
	}
	if (iscsi_connect_async(initiator->iscsi, loop->target.portals[initiator->portal].address,
				on_connect, initiator) != 0)
		initiator->broken = true;
}

void initiator_logout(struct initiator *initiator, session_done *done, void *context)
{
	assert(initiator->state == INITIATOR_UP);
	initiator->done = done;
	initiator->context = context;
	initiator->why[0] = '\0';
	initiator->state = INITIATOR_LOGGING_OUT;
	initiator->deadline_ns = recorder_now_ns(initiator->loop->recorder) + SESSION_TIMEOUT_NS;
	if (iscsi_logout_async(initiator->iscsi, on_logout, initiator) != 0)
		initiator->broken = true;
}

void initiator_cut(struct initiator *initiator)
{
	initiator_drop(initiator);
	told(initiator, false);
}

void initiator_stall(struct initiator *initiator, unsigned ms)
{
	initiator->stalled_until_ns =
		recorder_now_ns(initiator->loop->recorder) + (uint64_t)ms * NS_PER_MS;
}

void initiator_set_lost(struct initiator *initiator, session_done *lost, void *context)
{
	initiator->lost = lost;
	initiator->lost_context = context;
}

struct initiator *initiator_create(struct loop *loop, const struct initiator_identity *identity)
{
	struct initiator *initiator;

	if (identity->portal >= loop->target.portal_count ||
	    strlen(identity->name) > HISTORY_NAME_MAX)
		return NULL;
	initiator = calloc(1, sizeof(*initiator));
	if (!initiator)
		return NULL;
	initiator->loop = loop;
	initiator->portal = identity->portal;
	initiator->solicited = identity->solicited;
	initiator->nexus = HISTORY_NO_NEXUS;
	snprintf(initiator->name, sizeof(initiator->name), "%s", identity->name);
	snprintf(initiator->label, sizeof(initiator->label), "%s",
		 identity->label ? identity->label : "");
	memcpy(initiator->isid, identity->isid, sizeof(initiator->isid));
	LL_APPEND(loop->initiators, initiator);
	loop->initiator_count++;
	return initiator;
}

const char *initiator_label(const struct initiator *initiator)
{
	return initiator->label[0] != '\0' ? initiator->label : initiator->name;
}

bool initiator_is_up(const struct initiator *initiator)
{
	return initiator->state == INITIATOR_UP && !initiator->broken;
}

bool initiator_is_down(const struct initiator *initiator)
{
	return initiator->state == INITIATOR_DOWN;
}

size_t initiator_commands(const struct initiator *initiator)
{
	return initiator->under_way;
}

/* ---- the loop ---- */

struct loop *loop_create(struct recorder *recorder, const struct lab_target *target,
			 unsigned timeout_ms)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->recorder = recorder;
	loop->target = *target;
	loop->timeout_ns = (uint64_t)timeout_ms * NS_PER_MS;
	return loop;
}

void loop_free(struct loop **loop)
{
	struct initiator *initiator, *next;
	struct pending *pending;

	if (!*loop)
		return;
	(*loop)->closing = true;
	LL_FOREACH_SAFE((*loop)->initiators, initiator, next)
	{
		initiator_drop(initiator);
		DL_FOREACH(initiator->pendings, pending)
		pending->told = true;
		initiator_sweep(initiator);
		free(initiator);
	}
	free(*loop);
	*loop = NULL;
}

void loop_set_sent(struct loop *loop, command_listener *sent, void *context)
{
	loop->sent = sent;
	loop->sent_context = context;
}

struct recorder *loop_recorder(const struct loop *loop)
{
	return loop->recorder;
}

const struct lab_target *loop_target(const struct loop *loop)
{
	return &loop->target;
}

void loop_cut_all(struct loop *loop)
{
	struct initiator *initiator;

	LL_FOREACH(loop->initiators, initiator)
	if (initiator->state != INITIATOR_DOWN)
		fail(initiator);
}

bool loop_busy(const struct loop *loop)
{
	const struct initiator *initiator;

	if (loop->ended)
		return true;
	LL_FOREACH(loop->initiators, initiator)
	{
		if (initiator->under_way > 0 || initiator->fresh || initiator->broken ||
		    (initiator->state != INITIATOR_DOWN && initiator->state != INITIATOR_UP))
			return true;
	}
	return false;
}

/* The other side has closed, and nothing that it sent before is left to be read. */
static bool at_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void serve(struct initiator *initiator, int fd, short revents)
{
	/* What was still answered before the end is read first, if the socket lets us. */
	if ((revents & POLLIN) != 0 && initiator->state >= INITIATOR_UP && at_end(fd)) {
		initiator->broken = true;
		return;
	}
	if (iscsi_service(initiator->iscsi, revents) != 0)
		initiator->broken = true;
}

/* What came of the session, outside of the library's callbacks. */
static void settle(struct initiator *initiator, uint64_t now_ns)
{
	bool waits = initiator->state != INITIATOR_DOWN && initiator->state != INITIATOR_UP;

	if (initiator->broken || (waits && !initiator->fresh && now_ns >= initiator->deadline_ns)) {
		fail(initiator);
	} else if (initiator->fresh && initiator->state == INITIATOR_LOGGING_OUT) {
		recorder_session(initiator->loop->recorder, HISTORY_LOGOUT, initiator->nexus);
		initiator_give_up(initiator, NULL);
		destroy(initiator);
		told(initiator, false);
	} else if (initiator->fresh) {
		initiator->fresh = false;
		told(initiator, true);
	}
	if (initiator->state == INITIATOR_UP)
		initiator_check_deadlines(initiator, now_ns);
}

static void tell_ends(struct loop *loop)
{
	struct pending *list = loop->ended, *pending, *next;

	loop->ended = NULL;
	LL_FOREACH_SAFE2(list, pending, next, next_ended)
	{
		struct command_end command_end = {
			.initiator = pending->initiator,
			.command = &pending->command,
			.result = &pending->answer.result,
		};
		if (pending->task && pending->released && pending->task->datain.size > 0) {
			command_end.data = pending->task->datain.data;
			command_end.data_len = (size_t)pending->task->datain.size;
		}
		if (pending->done)
			pending->done(pending->context, &command_end);
		pending->told = true;
	}
}

/* A stalled one still sends what it had to send, and does nothing else. */
static short events_of(const struct initiator *initiator, uint64_t now_ns, int *timeout_ms)
{
	short events = (short)iscsi_which_events(initiator->iscsi);
	int left_ms;

	if (initiator->stalled_until_ns <= now_ns)
		return events;
	left_ms = (int)((initiator->stalled_until_ns - now_ns) / NS_PER_MS) + 1;
	if (left_ms < *timeout_ms)
		*timeout_ms = left_ms;
	return events & POLLOUT;
}

void loop_turn(struct loop *loop, int timeout_ms)
{
	struct pollfd fds[HISTORY_NEXUSES_MAX];
	struct initiator *served[HISTORY_NEXUSES_MAX], *initiator;
	nfds_t count = 0;
	uint64_t now_ns = recorder_now_ns(loop->recorder);

	if (loop->ended)
		timeout_ms = 0;
	LL_FOREACH(loop->initiators, initiator)
	{
		if (initiator->broken || initiator->fresh)
			timeout_ms = 0;
		if (!initiator->iscsi || initiator->broken || count == HISTORY_NEXUSES_MAX ||
		    iscsi_get_fd(initiator->iscsi) < 0)
			continue;
		short events = events_of(initiator, now_ns, &timeout_ms);
		if (events == 0)
			continue;
		served[count] = initiator;
		fds[count++] =
			(struct pollfd){.fd = iscsi_get_fd(initiator->iscsi), .events = events};
	}
	if (poll(fds, count, timeout_ms) > 0)
		for (nfds_t i = 0; i < count; i++)
			if (fds[i].revents != 0)
				serve(served[i], fds[i].fd, fds[i].revents);
	now_ns = recorder_now_ns(loop->recorder);
	LL_FOREACH(loop->initiators, initiator)
	settle(initiator, now_ns);
	tell_ends(loop);
	LL_FOREACH(loop->initiators, initiator)
	initiator_sweep(initiator);
}
