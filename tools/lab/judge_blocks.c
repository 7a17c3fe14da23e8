/*
 * What the blocks say. Each block is a register: writes carry values that never repeat, reads show
 * one of them. A read must not show a value that a later acknowledged write has replaced before it
 * began, nor one that was refused, nor one that nobody had sent yet. Of two overlapping commands
 * either may win, block by block.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "tools/lab/judge_internal.h"

#define LOOK_BACK_MAX 1000 /* reads of one block that are looked at for an aborted write */

struct block_write {
	uint64_t lba;
	size_t invoked, returned; /* events; JUDGE_NO_EVENT: not GOOD */
};

struct block_read {
	uint64_t lba;
	size_t invoked, returned; /* the same one, for the medium */
	const struct history_tag *tag;
	bool medium;
};

/* A write command, by its writer and sequence. */
struct writer {
	struct {
		uint64_t nexus, sequence;
	} write;
	size_t invoked, returned; /* events; JUDGE_NO_EVENT: none */
	UT_hash_handle hh;
};

struct invoked {
	uint64_t command;
	size_t event;
	UT_hash_handle hh;
};

struct blocks {
	const struct history *history;
	uint16_t lun;
	struct block_write *writes;
	size_t write_count, write_capacity;
	struct block_read *reads;
	size_t read_count, read_capacity;
	struct writer *writers;
	/* Something else wrote there, so that a block without a tag proves nothing. */
	uint64_t erased_from, erased_end;
	const struct judge_ops *ops;
	const struct judge_search_result *search;
	struct judge_report *report;
	/* Of the block at hand, by the time of return: the latest invoke so far. */
	size_t *latest;
	size_t latest_capacity;
};

static bool grow(void **array, size_t *capacity, size_t count, size_t size)
{
	if (count < *capacity)
		return true;
	size_t more = *capacity == 0 ? 1024 : 2 * *capacity;
	void *grown = realloc(*array, more * size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = more;
	return true;
}

static bool add_write(struct blocks *b, size_t invoked, size_t returned)
{
	const struct history_event *e = &b->history->events[invoked];
	const struct history_command *c = &e->u.invoked;
	bool good = returned != JUDGE_NO_EVENT &&
		    b->history->events[returned].u.returned.outcome == HISTORY_GOOD;
	struct writer *writer = malloc(sizeof(*writer));

	if (!writer)
		return false;
	*writer = (struct writer){
		.write = {e->nexus, c->sequence}, .invoked = invoked, .returned = returned};
	HASH_ADD(hh, b->writers, write, sizeof(writer->write), writer);
	for (uint32_t i = 0; good && i < c->blocks && i < HISTORY_TAGS_MAX; i++) {
		if (!grow((void **)&b->writes, &b->write_capacity, b->write_count,
			  sizeof(*b->writes)))
			return false;
		b->writes[b->write_count++] = (struct block_write){
			.lba = c->lba + i, .invoked = invoked, .returned = returned};
	}
	return true;
}

static bool add_read(struct blocks *b, struct block_read read)
{
	if (!grow((void **)&b->reads, &b->read_capacity, b->read_count, sizeof(*b->reads)))
		return false;
	b->reads[b->read_count++] = read;
	return true;
}

/* What other commands may have written, as one range. One that does not say where may be anywhere.
 */
static void note_erased(struct blocks *b, const struct history_command *c)
{
	uint64_t from = c->blocks == 0 ? 0 : c->lba;
	uint64_t end = c->blocks == 0 ? UINT64_MAX : c->lba + c->blocks;

	if (b->erased_end == 0 || from < b->erased_from)
		b->erased_from = from;
	if (end > b->erased_end)
		b->erased_end = end;
}

static bool add_command(struct blocks *b, size_t invoked, size_t returned)
{
	const struct history_command *c = &b->history->events[invoked].u.invoked;
	const struct history_result *r;

	if (c->op == HISTORY_CDB && c->access == HISTORY_ACCESS_WRITE)
		note_erased(b, c);
	if (c->op == HISTORY_WRITE)
		return add_write(b, invoked, returned);
	if (c->op != HISTORY_READ || returned == JUDGE_NO_EVENT)
		return true;
	r = &b->history->events[returned].u.returned;
	for (uint32_t i = 0; r->outcome == HISTORY_GOOD && r->tags && i < r->tag_count; i++)
		if (!add_read(b, (struct block_read){.lba = c->lba + i,
						     .invoked = invoked,
						     .returned = returned,
						     .tag = &r->tags[i]}))
			return false;
	return true;
}

/* Pairs of INVOKE and RETURN, and what the medium held. */
static bool gather(struct blocks *b)
{
	struct invoked *open = NULL, *entry, *next;
	bool memory = true;

	for (size_t i = 0; memory && i < b->history->event_count; i++) {
		const struct history_event *e = &b->history->events[i];
		if (e->kind == HISTORY_INVOKE && e->u.invoked.lun == b->lun) {
			entry = malloc(sizeof(*entry));
			memory = entry != NULL;
			if (!memory)
				break;
			*entry = (struct invoked){.command = e->command, .event = i};
			HASH_ADD(hh, open, command, sizeof(entry->command), entry);
		}
		if (e->kind == HISTORY_MEDIUM && e->u.medium.lun == b->lun)
			memory = add_read(b, (struct block_read){.lba = e->u.medium.lba,
								 .invoked = i,
								 .returned = i,
								 .tag = &e->u.medium.tag,
								 .medium = true});
		if (e->kind != HISTORY_RETURN)
			continue;
		HASH_FIND(hh, open, &e->command, sizeof(e->command), entry);
		if (!entry)
			continue;
		memory = add_command(b, entry->event, i);
		HASH_DEL(open, entry);
		free(entry);
	}
	HASH_ITER(hh, open, entry, next)
	{
		/* cppcheck-suppress uninitvar ; every entry was filled before it was added */
		memory = memory && add_command(b, entry->event, JUDGE_NO_EVENT);
		HASH_DEL(open, entry);
		free(entry);
	}
	return memory;
}

static int write_order(const void *a, const void *b)
{
	const struct block_write *x = a, *y = b;
	if (x->lba != y->lba)
		return x->lba < y->lba ? -1 : 1;
	return x->returned < y->returned ? -1 : x->returned > y->returned;
}

static int read_order(const void *a, const void *b)
{
	const struct block_read *x = a, *y = b;
	if (x->lba != y->lba)
		return x->lba < y->lba ? -1 : 1;
	return x->invoked < y->invoked ? -1 : x->invoked > y->invoked;
}

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

static bool judge_written(struct blocks *b, const struct block_read *read,
			  const struct block_write *latest)
{
	struct writer *writer, wanted = {.write = {read->tag->nexus, read->tag->sequence}};
	const struct history_event *events = b->history->events;

	HASH_FIND(hh, b->writers, &wanted.write, sizeof(wanted.write), writer);
	if (!writer || writer->invoked > read->returned)
		return accuse(b, JUDGE_STALE_READ, read, &read->returned, 1,
			      "nobody had sent that write yet");
	if (writer->returned != JUDGE_NO_EVENT && refused(&events[writer->returned].u.returned)) {
		size_t shown[] = {writer->invoked, writer->returned, read->invoked, read->returned};
		return accuse(b, JUDGE_FENCED_WRITE_ON_MEDIUM, read, shown,
			      sizeof(shown) / sizeof(shown[0]), "that write was refused");
	}
	if (latest && writer->returned != JUDGE_NO_EVENT &&
	    events[writer->returned].u.returned.outcome == HISTORY_GOOD &&
	    latest->invoked > writer->returned) {
		size_t shown[] = {writer->invoked,  writer->returned, latest->invoked,
				  latest->returned, read->invoked,    read->returned};
		return accuse(b, read->medium ? JUDGE_LOST_WRITE : JUDGE_STALE_READ, read, shown,
			      sizeof(shown) / sizeof(shown[0]),
			      "a write that was sent after it and acknowledged is gone");
	}
	return true;
}

static bool judge_read(struct blocks *b, const struct block_write *writes, size_t count,
		       const struct block_read *read)
{
	const struct block_write *latest = latest_before(b, writes, count, read);

	if (read->tag->torn)
		return accuse(b, JUDGE_TORN_WRITE, read, &read->returned, 1,
			      "it holds pieces of two writes");
	if (read->tag->written)
		return judge_written(b, read, latest);
	if (latest && (read->lba < b->erased_from || read->lba >= b->erased_end)) {
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

static bool judge_block(struct blocks *b, const struct block_write *writes, size_t write_count,
			const struct block_read *reads, size_t read_count)
{
	while (b->latest_capacity < write_count)
		if (!grow((void **)&b->latest, &b->latest_capacity, b->latest_capacity,
			  sizeof(*b->latest)))
			return false;
	for (size_t i = 0; i < write_count; i++)
		b->latest[i] = i > 0 && writes[b->latest[i - 1]].invoked > writes[i].invoked
				       ? b->latest[i - 1]
				       : i;
	for (size_t i = 0; i < read_count; i++)
		if (!judge_read(b, writes, write_count, &reads[i]) ||
		    !judge_aborts(b, reads, &reads[i]))
			return false;
	return true;
}

static bool judge_all(struct blocks *b)
{
	size_t w = 0;

	if (b->write_count > 0)
		qsort(b->writes, b->write_count, sizeof(*b->writes), write_order);
	if (b->read_count > 0)
		qsort(b->reads, b->read_count, sizeof(*b->reads), read_order);
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

int judge_blocks(const struct history *history, uint16_t lun, const struct judge_ops *ops,
		 const struct judge_search_result *search, struct judge_report *report)
{
	struct blocks b = {
		.history = history, .lun = lun, .ops = ops, .search = search, .report = report};
	struct writer *writer, *next;
	bool memory = gather(&b) && judge_all(&b);

	HASH_ITER(hh, b.writers, writer, next)
	{
		HASH_DEL(b.writers, writer);
		free(writer);
	}
	free(b.writes);
	free(b.reads);
	free(b.latest);
	return memory ? 0 : -ENOMEM;
}
