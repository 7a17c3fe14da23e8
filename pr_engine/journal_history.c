#include "pr_engine/journal_history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/journal_record.h"

#define HISTORY_CAP_MIN 4096u

void pr_history_init(struct pr_history *history, uint32_t count_max)
{
	*history = (struct pr_history){
		.count_max =
			count_max < PR_HISTORY_RECORDS_MAX ? count_max : PR_HISTORY_RECORDS_MAX,
	};
}

void pr_history_clear(struct pr_history *history)
{
	free(history->bytes);
	*history = (struct pr_history){.count_max = history->count_max};
}

size_t pr_history_len(const struct pr_history *history)
{
	return history->tail - history->head;
}

static void forget_oldest(struct pr_history *history)
{
	history->head += pr_frame_len(history->bytes + history->head);
	history->count--;
}

/*
 * Room for len bytes behind the tail. The buffer grows until it holds twice what is kept; from
 * then on the kept half moves to the front once it has wandered through: constant cost a byte.
 */
static bool make_room(struct pr_history *history, size_t len)
{
	size_t kept = pr_history_len(history);

	if (history->cap - history->tail >= len)
		return true;
	if (history->cap < 2 * (kept + len)) {
		size_t cap = history->cap ? history->cap : HISTORY_CAP_MIN;
		while (cap < 2 * (kept + len))
			cap *= 2;
		uint8_t *bytes = realloc(history->bytes, cap);
		if (!bytes)
			return false;
		history->bytes = bytes;
		history->cap = cap;
	}
	memmove(history->bytes, history->bytes + history->head, kept);
	history->head = 0;
	history->tail = kept;
	return true;
}

void pr_history_push(struct pr_history *history, const uint8_t *frame)
{
	size_t len = pr_frame_len(frame);

	if (history->count_max == 0 || len > PR_HISTORY_BYTES_MAX)
		return;
	while (history->count == history->count_max ||
	       pr_history_len(history) > PR_HISTORY_BYTES_MAX - len)
		forget_oldest(history);
	if (!make_room(history, len))
		return;
	memcpy(history->bytes + history->tail, frame, len);
	pr_frame_set_history_only(history->bytes + history->tail);
	history->tail += len;
	history->count++;
}
