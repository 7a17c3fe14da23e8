/*
 * One Data-Out sequence: which of its bytes are still missing (RFC 7143 11.7, 13.18).
 */
#include <stdlib.h>
#include <string.h>

#include "transport/conn_internal.h"

void iscsi_burst_open(struct iscsi_burst *burst, uint32_t ttt, uint32_t start, uint32_t end)
{
	free(burst->more);
	*burst = (struct iscsi_burst){
		.open = true,
		.ttt = ttt,
		.start = start,
		.end = end,
		.missing = end - start,
		.first = {start, end},
	};
}

void iscsi_burst_close(struct iscsi_task *task, struct iscsi_burst *burst)
{
	burst->open = false;
	free(burst->more);
	burst->more = NULL;
	burst->more_count = burst->more_cap = 0;
	if (burst != &task->unsolicited)
		task->r2ts_open--;
}

struct iscsi_burst *iscsi_burst_find(struct iscsi_task *task, uint32_t ttt)
{
	if (ttt == ISCSI_NO_TAG)
		return task->unsolicited.open ? &task->unsolicited : NULL;
	for (uint32_t i = 0; i < task->r2t_slots; i++)
		if (task->r2ts[i].open && task->r2ts[i].ttt == ttt)
			return &task->r2ts[i];
	return NULL;
}

static bool lies_in(const struct iscsi_gap *gap, uint32_t offset, uint32_t len)
{
	return offset >= gap->from && len <= gap->to - gap->from &&
	       offset - gap->from <= gap->to - gap->from - len;
}

static struct iscsi_gap *gap_at(const struct iscsi_burst *burst, uint32_t index)
{
	/* The caller decides whether it changes it: like strchr. */
	return index == 0 ? (struct iscsi_gap *)&burst->first : &burst->more[index - 1];
}

/* The number of the gap that has room for these bytes; -1: they are not all missing. */
static int64_t gap_of(const struct iscsi_burst *burst, uint32_t offset, uint32_t len)
{
	for (uint32_t i = 0; i <= burst->more_count; i++)
		if (lies_in(gap_at(burst, i), offset, len))
			return i;
	return -1;
}

bool iscsi_burst_takes(const struct iscsi_task *task, const struct iscsi_burst *burst,
		       uint32_t offset, uint32_t len)
{
	if (task->session->params.data_pdu_in_order)
		return offset == burst->first.from && len <= burst->first.to - offset;
	return gap_of(burst, offset, len) >= 0;
}

static bool more_grow(struct iscsi_burst *burst)
{
	uint32_t cap = burst->more_cap > 0 ? 2 * burst->more_cap : 4;

	if (burst->more_count < burst->more_cap)
		return true;
	if (cap > ISCSI_GAPS_MAX)
		return false;
	struct iscsi_gap *more = realloc(burst->more, cap * sizeof(*more));
	if (!more)
		return false;
	burst->more = more;
	burst->more_cap = cap;
	return true;
}

/* The gap falls in two: what lies before `offset` stays, what lies behind the bytes is added. */
static bool gap_split(struct iscsi_burst *burst, uint32_t index, uint32_t offset, uint32_t len)
{
	if (!more_grow(burst))
		return false;
	struct iscsi_gap *gap = gap_at(burst, index);
	struct iscsi_gap behind = {offset + len, gap->to};
	memmove(burst->more + index + 1, burst->more + index,
		(burst->more_count - index) * sizeof(*burst->more));
	burst->more[index] = behind;
	burst->more_count++;
	gap->to = offset;
	return true;
}

static void gap_remove(struct iscsi_burst *burst, uint32_t index)
{
	if (burst->more_count == 0)
		return; /* the last one stays, empty */
	if (index == 0) {
		burst->first = burst->more[0];
		index = 1;
	}
	burst->more_count--;
	memmove(burst->more + index - 1, burst->more + index,
		(burst->more_count - (index - 1)) * sizeof(*burst->more));
}

bool iscsi_burst_take(struct iscsi_burst *burst, uint32_t offset, uint32_t len)
{
	int64_t index = gap_of(burst, offset, len);
	bool split = false;

	if (index < 0)
		return false;
	struct iscsi_gap *gap = gap_at(burst, (uint32_t)index);
	if (offset == gap->from)
		gap->from += len;
	else if (offset + len == gap->to)
		gap->to = offset;
	else if (len > 0)
		split = true;
	if (split && !gap_split(burst, (uint32_t)index, offset, len))
		return false;
	if (!split && gap->from == gap->to)
		gap_remove(burst, (uint32_t)index);
	burst->missing -= len;
	return true;
}
