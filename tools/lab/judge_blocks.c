/*
 * What the blocks say. Each block is a register: writes carry values that never repeat, reads show
 * one of them. A read must not show a value that a later acknowledged write has replaced before it
 * began, nor one that was refused, nor one that nobody had sent yet. Of two overlapping commands
 * either may win, block by block. A power cut may take what was not durable; what is left then
 * stays until somebody writes.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_blocks.h"
#include "tools/lab/judge_smallest.h"

#define LOOK_BACK_MAX	1000 /* reads of one block that are looked at for an aborted write */
#define LOOK_BEFORE_MAX 4096 /* events, for who was told before a write */

/* ---- one read ---- */

static bool accuse(struct blocks *b, enum judge_rule rule, const struct block_read *read,
		   const size_t *events, size_t event_count, const char *what)
{
	struct judge_violation violation;
	const struct history_event *e = &b->history->events[read->invoked];
	char who[64];

	if (!judge_violation_make(&violation, rule, b->lun, events, event_count))
		return false;
	if (read->medium)
		snprintf(who, sizeof(who), "on the medium");
	else
		snprintf(who, sizeof(who), "read by nexus %" PRIu32, e->nexus);
	if (read->tag->written)
		snprintf(violation.text, sizeof(violation.text),
			 "block %" PRIu64 " holds write %" PRIu64 " of nexus %" PRIu32 " (%s): %s",
			 read->lba, read->tag->sequence, read->tag->nexus, who, what);
	else
		snprintf(violation.text, sizeof(violation.text), "block %" PRIu64 " (%s): %s",
			 read->lba, who, what);
	/* Whom PREEMPT AND ABORT removed, the order of all commands has told. */
	if (rule != JUDGE_ABORTED_WRITE_ON_MEDIUM)
		violation.proof = JUDGE_PROOF_SMALLEST;
	violation.why = smallest_why(b->history, &violation);
	if (!violation.why) {
		free(violation.events);
		return false;
	}
	return judge_report_add(b->report, &violation);
}

/* The write that was acknowledged before the read began and was sent last. */
static const struct block_write *latest_before(const struct blocks *b,
					       const struct block_write *writes, size_t count,
					       const struct block_read *read)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (writes[middle].returned < read->invoked)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &writes[b->latest[low - 1]];
}

static bool refused(const struct history_result *r)
{
	return r->outcome == HISTORY_CONFLICT || r->outcome == HISTORY_BUSY ||
	       (r->outcome == HISTORY_CHECK && r->sense_key == 6);
}

/* The INVOKE of this RETURN. */
static size_t invoke_of(const struct history *history, size_t returned)
{
	size_t i = returned;

	while (i > 0 && (history->events[i].kind != HISTORY_INVOKE ||
			 history->events[i].command != history->events[returned].command))
		i--;
	return i;
}

/* It does not hold what the cut must have left, nor anything after it. */
static bool accuse_cut(struct blocks *b, const struct block_read *read,
		       const struct block_floor *floor)
{
	bool synced = floor->sync != floor->write->returned;
	size_t sync = synced ? invoke_of(b->history, floor->sync) : floor->sync;
	size_t shown[] = {
		floor->write->invoked, floor->write->returned, sync, floor->sync, floor->cut,
		read->invoked,	       read->returned};

	return accuse(b, JUDGE_LOST_BY_POWER_CUT, read, shown, sizeof(shown) / sizeof(shown[0]),
		      floor->write->fua ? "a later write, with FUA, is gone with the power"
					: "a later write, which was synchronized, is gone with "
					  "the power");
}

static bool judge_written(struct blocks *b, const struct block_read *read,
			  const struct block_write *latest, const struct block_floor *floor)
{
	struct writer *writer, wanted = {.write = {read->tag->nexus, read->tag->sequence}};
	const struct history_event *events = b->history->events;

	HASH_FIND(hh, b->writers, &wanted.write, sizeof(wanted.write), writer);
	if (!writer || writer->invoked > read->returned) {
		size_t shown[] = {read->invoked, read->returned};
		return accuse(b, JUDGE_STALE_READ, read, shown, sizeof(shown) / sizeof(shown[0]),
			      "nobody had sent that write yet");
	}
	if (writer->returned != JUDGE_NO_EVENT && refused(&events[writer->returned].u.returned)) {
		size_t shown[] = {writer->invoked, writer->returned, read->invoked, read->returned};
		return accuse(b, JUDGE_FENCED_WRITE_ON_MEDIUM, read, shown,
			      sizeof(shown) / sizeof(shown[0]), "that write was refused");
	}
	if (latest && writer->returned != JUDGE_NO_EVENT &&
	    events[writer->returned].u.returned.outcome == HISTORY_GOOD &&
	    latest->invoked > writer->returned) {
		if (latest == floor->write)
			return accuse_cut(b, read, floor);
		size_t shown[] = {writer->invoked,  writer->returned, latest->invoked,
				  latest->returned, read->invoked,    read->returned};
		return accuse(b, read->medium ? JUDGE_LOST_WRITE : JUDGE_STALE_READ, read, shown,
			      sizeof(shown) / sizeof(shown[0]),
			      "a write that was sent after it and acknowledged is gone");
	}
	return true;
}

static bool is_erasable(const struct blocks *b, uint64_t lba)
{
	return b->erased_from <= lba && lba < b->erased_end;
}

static bool judge_read(struct blocks *b, const struct block_write *writes, size_t count,
		       const struct block_read *read, const struct block_floor *floor)
{
	const struct block_write *latest = latest_before(b, writes, count, read);

	if (!latest || (floor->write && floor->write->invoked > latest->invoked))
		latest = floor->write;

	if (read->tag->torn) {
		size_t shown[] = {read->invoked, read->returned};
		return accuse(b, JUDGE_TORN_WRITE, read, shown, sizeof(shown) / sizeof(shown[0]),
			      "it holds pieces of two writes");
	}
	if (read->tag->written)
		return judge_written(b, read, latest, floor);
	if (latest && !is_erasable(b, read->lba)) {
		if (latest == floor->write)
			return accuse_cut(b, read, floor);
		size_t shown[] = {latest->invoked, latest->returned, read->invoked, read->returned};
		return accuse(b, read->medium ? JUDGE_LOST_WRITE : JUDGE_STALE_READ, read, shown,
			      sizeof(shown) / sizeof(shown[0]),
			      "it holds no write at all, but one was acknowledged");
	}
	return true;
}

/* ---- aborted writes ---- */

static bool same_value(const struct history_tag *a, const struct history_tag *b)
{
	return a->written == b->written && a->nexus == b->nexus && a->sequence == b->sequence;
}

/* A later command of its session was answered before this event: commands are taken in the order
 * in which they were sent (RFC 7143 4.2.2.1), so the write was there. */
static bool had_come(const struct blocks *b, const struct writer *writer, size_t event)
{
	const struct history_event *events = b->history->events;
	uint32_t nexus = events[writer->invoked].nexus;

	for (size_t i = writer->invoked + 1; i < event; i++) {
		const struct history_event *e = &events[i];
		size_t invoked = b->partner[i];
		if (e->nexus != nexus)
			continue;
		if (e->kind == HISTORY_LOST || e->kind == HISTORY_LOGOUT)
			return false;
		/* Task management overtakes. */
		if (e->kind == HISTORY_RETURN && invoked != JUDGE_NO_EVENT &&
		    invoked > writer->invoked && e->u.returned.outcome != HISTORY_UNKNOWN &&
		    !history_op_is_reset(events[invoked].u.invoked.op))
			return true;
	}
	return false;
}

/* May its nexus have been told by this command that its registration had gone? A reset's unit
 * attention can take the place of that one, and REQUEST SENSE tells with GOOD. */
static bool may_have_been_told(const struct history_command *c, const struct history_result *r)
{
	if (!r || r->outcome == HISTORY_UNKNOWN || r->outcome == HISTORY_TASK_ABORTED)
		return true;
	if (r->outcome == HISTORY_CHECK)
		return r->sense_key == 6 && (r->asc == 0x2a || r->asc == 0x29);
	return c->op == HISTORY_CDB && c->cdb[0] == 0x03;
}

/* What its nexus was to be told when its registration went a command took that was sent before the
 * write, and not over by this event. Else the write would have been told, and not done. */
static bool was_told_before(const struct blocks *b, const struct writer *writer, size_t event)
{
	const struct history_event *events = b->history->events;
	uint32_t nexus = events[writer->invoked].nexus;

	for (size_t i = writer->invoked, seen = 0; i-- > 0; seen++) {
		size_t returned = b->partner[i];
		const struct history_result *r =
			returned == JUDGE_NO_EVENT ? NULL : &events[returned].u.returned;
		if (seen == LOOK_BEFORE_MAX)
			return true;
		if (events[i].nexus != nexus)
			continue;
		if (events[i].kind == HISTORY_LOGIN)
			return false;
		if (events[i].kind == HISTORY_INVOKE &&
		    (!r || returned > event || r->outcome == HISTORY_UNKNOWN) &&
		    may_have_been_told(&events[i].u.invoked, r))
			return true;
	}
	return false;
}

/* One that was still on its way is in no task set, and nobody aborts it. */
static bool may_have_been_on_its_way(const struct blocks *b, const struct writer *writer,
				     size_t event)
{
	return !had_come(b, writer, event) && was_told_before(b, writer, event);
}

/* Was the block something else after the abort was over, and this only later? */
static bool judge_abort(struct blocks *b, const struct block_read *first,
			const struct block_read *read, const struct judge_abort *abort)
{
	const struct judge_op *by = &b->ops->ops[abort->by];
	struct writer *writer, wanted = {.write = {read->tag->nexus, read->tag->sequence}};
	const struct block_read *before = read;

	HASH_FIND(hh, b->writers, &wanted.write, sizeof(wanted.write), writer);
	if (!writer || by->closed_by == JUDGE_NO_EVENT || writer->invoked > by->opened_by ||
	    by->closed_by > read->invoked)
		return true;
	for (unsigned i = 0; i < LOOK_BACK_MAX && before > first; i++) {
		before--;
		if (before->invoked < by->closed_by)
			return true;
		if (before->returned < read->invoked && !same_value(before->tag, read->tag)) {
			if (may_have_been_on_its_way(b, writer, by->opened_by))
				return true;
			size_t shown[] = {writer->invoked, by->opened_by,    by->closed_by,
					  before->invoked, before->returned, read->invoked,
					  read->returned};
			return accuse(
				b, JUDGE_ABORTED_WRITE_ON_MEDIUM, read, shown,
				sizeof(shown) / sizeof(shown[0]),
				"it came there after PREEMPT AND ABORT of its writer was GOOD");
		}
	}
	return true;
}

static bool judge_aborts(struct blocks *b, const struct block_read *first,
			 const struct block_read *read)
{
	if (!read->tag->written)
		return true;
	for (size_t i = 0; i < b->search->abort_count; i++)
		if (b->search->aborts[i].victim_nexus == read->tag->nexus &&
		    !judge_abort(b, first, read, &b->search->aborts[i]))
			return false;
	return true;
}

/* ---- all blocks ---- */

/* Was it there when the power went? */
static bool is_from_before(const struct blocks *b, const struct block_read *read, size_t cut)
{
	struct writer *writer, wanted = {.write = {read->tag->nexus, read->tag->sequence}};

	if (!read->tag->written)
		return !read->tag->torn && !is_erasable(b, read->lba);
	HASH_FIND(hh, b->writers, &wanted.write, sizeof(wanted.write), writer);
	return writer && writer->invoked < cut;
}

/* What a cut has left cannot be two things. `*left` is the first read that showed it. */
static bool judge_left(struct blocks *b, const struct block_read *read, size_t cut,
		       const struct block_read **left)
{
	if (!is_from_before(b, read, cut))
		return true;
	if (!*left)
		*left = read;
	if (same_value((*left)->tag, read->tag))
		return true;
	size_t shown[] = {cut, (*left)->invoked, (*left)->returned, read->invoked, read->returned};
	return accuse(b, JUDGE_STALE_READ, read, shown, sizeof(shown) / sizeof(shown[0]),
		      "after the power cut it held something else, and nobody has written this "
		      "since");
}

/* From one power cut, or the beginning, to the next, or the end. */
static bool judge_block_between_cuts(struct blocks *b, const struct block_write *writes,
				     size_t write_count, const struct block_read *reads,
				     size_t read_count, const struct block_floor *floor)
{
	const struct block_read *left = NULL;

	while (b->latest_capacity < write_count)
		if (!judge_blocks_grow((void **)&b->latest, &b->latest_capacity, b->latest_capacity,
				       sizeof(*b->latest)))
			return false;
	for (size_t i = 0; i < write_count; i++)
		b->latest[i] = i > 0 && writes[b->latest[i - 1]].invoked > writes[i].invoked
				       ? b->latest[i - 1]
				       : i;
	for (size_t i = 0; i < read_count; i++)
		if (!judge_read(b, writes, write_count, &reads[i], floor) ||
		    !judge_aborts(b, reads, &reads[i]) ||
		    (floor->cut != JUDGE_NO_EVENT && !judge_left(b, &reads[i], floor->cut, &left)))
			return false;
	return true;
}

static bool judge_block(struct blocks *b, const struct block_write *writes, size_t write_count,
			const struct block_read *reads, size_t read_count)
{
	struct block_floor floor = {.cut = JUDGE_NO_EVENT};

	for (size_t i = 0; i <= b->cut_count; i++) {
		size_t cut = i < b->cut_count ? b->cuts[i] : JUDGE_NO_EVENT;
		size_t w = 0, r = 0;

		while (w < write_count && writes[w].invoked < cut)
			w++;
		while (r < read_count && reads[r].invoked < cut)
			r++;
		if (!judge_block_between_cuts(b, writes, w, reads, r, &floor))
			return false;
		if (cut != JUDGE_NO_EVENT)
			judge_blocks_cut(b, writes, w, cut, &floor);
		writes = writes ? writes + w : NULL;
		reads += r;
		write_count -= w;
		read_count -= r;
	}
	return true;
}

static bool judge_all(struct blocks *b)
{
	size_t w = 0;

	for (size_t r = 0; r < b->read_count;) {
		uint64_t lba = b->reads[r].lba;
		size_t r_end = r, w_end;
		while (r_end < b->read_count && b->reads[r_end].lba == lba)
			r_end++;
		while (w < b->write_count && b->writes[w].lba < lba)
			w++;
		for (w_end = w; w_end < b->write_count && b->writes[w_end].lba == lba;)
			w_end++;
		if (!judge_block(b, b->writes ? b->writes + w : NULL, w_end - w, b->reads + r,
				 r_end - r))
			return false;
		r = r_end;
		w = w_end;
	}
	return true;
}

int judge_blocks(const struct history *history, const size_t *partner, uint16_t lun,
		 const struct judge_ops *ops, const struct judge_search_result *search,
		 struct judge_report *report)
{
	struct blocks b = {.history = history,
			   .partner = partner,
			   .lun = lun,
			   .ops = ops,
			   .search = search,
			   .report = report};
	bool memory = judge_blocks_gather(&b) && judge_all(&b);

	judge_blocks_release(&b);
	return memory ? 0 : -ENOMEM;
}
