/*
 * The last records of a journal, kept in memory so that a rewritten file can still tell the past.
 * Bounded by a count and by PR_HISTORY_BYTES_MAX. For the journal only.
 */
#ifndef PR_ENGINE_JOURNAL_HISTORY_H
#define PR_ENGINE_JOURNAL_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#define PR_HISTORY_RECORDS_MAX 4096
#define PR_HISTORY_BYTES_MAX   (1u << 20)

/* Frames, one behind the other, in bytes[head, tail). */
struct pr_history {
	uint8_t *bytes;
	size_t cap, head, tail;
	uint32_t count, count_max;
};

void pr_history_init(struct pr_history *history, uint32_t count_max);
void pr_history_clear(struct pr_history *history);

/*
 * Remembers an encoded record, and forgets the oldest ones that are too many. History is a
 * convenience: a record that is too large, or for which there is no memory, is left out.
 */
void pr_history_push(struct pr_history *history, const uint8_t *frame);

size_t pr_history_len(const struct pr_history *history);

#endif
