/*
 * From events to the writes and reads of each block.
 */
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "tools/lab/judge_blocks.h"

bool judge_blocks_grow(void **array, size_t *capacity, size_t count, size_t size)
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
		if (!judge_blocks_grow((void **)&b->writes, &b->write_capacity, b->write_count,
				       sizeof(*b->writes)))
			return false;
		b->writes[b->write_count++] = (struct block_write){
			.lba = c->lba + i, .invoked = invoked, .returned = returned, .fua = c->fua};
	}
	return true;
}

static bool add_read(struct blocks *b, struct block_read read)
{
	if (!judge_blocks_grow((void **)&b->reads, &b->read_capacity, b->read_count,
			       sizeof(*b->reads)))
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

/* SYNCHRONIZE CACHE(10) and (16). */
static bool is_sync(const struct history_command *c)
{
	return (c->cdb_len == 10 && c->cdb[0] == 0x35) || (c->cdb_len == 16 && c->cdb[0] == 0x91);
}

static bool add_sync(struct blocks *b, size_t invoked, size_t returned)
{
	const uint8_t *cdb = b->history->events[invoked].u.invoked.cdb;
	bool is_short = cdb[0] == 0x35;
	uint64_t from = is_short ? get_be32(cdb + 2) : get_be64(cdb + 2);
	uint64_t blocks = is_short ? get_be16(cdb + 7) : get_be32(cdb + 10);

	/* With IMMED its GOOD says nothing. */
	if (returned == JUDGE_NO_EVENT || (cdb[1] & 0x02) != 0 ||
	    b->history->events[returned].u.returned.outcome != HISTORY_GOOD)
		return true;
	if (!judge_blocks_grow((void **)&b->syncs, &b->sync_capacity, b->sync_count,
			       sizeof(*b->syncs)))
		return false;
	b->syncs[b->sync_count++] =
		(struct block_sync){.invoked = invoked,
				    .returned = returned,
				    .from = from,
				    .end = blocks == 0 ? UINT64_MAX : from + blocks};
	return true;
}

static bool add_cut(struct blocks *b, size_t event)
{
	if (!judge_blocks_grow((void **)&b->cuts, &b->cut_capacity, b->cut_count, sizeof(*b->cuts)))
		return false;
	b->cuts[b->cut_count++] = event;
	return true;
}

static bool add_command(struct blocks *b, size_t invoked, size_t returned)
{
	const struct history_command *c = &b->history->events[invoked].u.invoked;
	const struct history_result *r;

	if (c->op == HISTORY_CDB && is_sync(c))
		return add_sync(b, invoked, returned);
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
static bool is_invoke_here(const struct blocks *b, size_t event)
{
	const struct history_event *e = &b->history->events[event];

	return e->kind == HISTORY_INVOKE && e->u.invoked.lun == b->lun;
}

static bool gather_commands(struct blocks *b)
{
	bool memory = true;

	for (size_t i = 0; memory && i < b->history->event_count; i++) {
		const struct history_event *e = &b->history->events[i];
		if (e->kind == HISTORY_POWER_CUT)
			memory = add_cut(b, i);
		else if (e->kind == HISTORY_MEDIUM && e->u.medium.lun == b->lun)
			memory = add_read(b, (struct block_read){.lba = e->u.medium.lba,
								 .invoked = i,
								 .returned = i,
								 .tag = &e->u.medium.tag,
								 .medium = true});
		else if (is_invoke_here(b, i))
			memory = add_command(b, i, b->partner[i]);
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

static int sync_order(const void *a, const void *b)
{
	const struct block_sync *x = a, *y = b;
	return x->invoked < y->invoked ? -1 : x->invoked > y->invoked;
}

bool judge_blocks_gather(struct blocks *b)
{
	if (!gather_commands(b))
		return false;
	if (b->write_count > 0)
		qsort(b->writes, b->write_count, sizeof(*b->writes), write_order);
	if (b->read_count > 0)
		qsort(b->reads, b->read_count, sizeof(*b->reads), read_order);
	if (b->sync_count > 0)
		qsort(b->syncs, b->sync_count, sizeof(*b->syncs), sync_order);
	return true;
}

void judge_blocks_release(struct blocks *b)
{
	struct writer *writer, *next;

	HASH_ITER(hh, b->writers, writer, next)
	{
		HASH_DEL(b->writers, writer);
		free(writer);
	}
	free(b->writes);
	free(b->reads);
	free(b->syncs);
	free(b->cuts);
	free(b->latest);
}
