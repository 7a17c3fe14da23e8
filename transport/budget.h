/*
 * limits.data_max, shared by the nodes of one process (docs/threads.md).
 *
 * A node uses what it was granted without asking anybody: grants are of its own loop, and never
 * more than data_max together. It is granted some more than it needs, so that the lock here is
 * taken now and then, and not for each command; and gives back what it has too much of. When one
 * lacks, all give back what they do not use, and until it is served nobody else is granted
 * anything: so one loop may have all that the others leave.
 *
 * Early data (memory.c) are granted apart, as they may take half of it.
 */
#ifndef TRANSPORT_BUDGET_H
#define TRANSPORT_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/waker.h"

struct iscsi_budget;

/* For that many nodes. NULL: no memory. */
struct iscsi_budget *iscsi_budget_create(uint64_t data_max, unsigned nodes);
/* All nodes must be gone. */
void iscsi_budget_free(struct iscsi_budget **budget);

/* A node's part of it. */
struct iscsi_purse {
	struct iscsi_budget *budget; /* NULL: it has not joined */
	/* Of its loop alone. */
	uint64_t granted, early_granted;
	uint64_t spare_max, early_spare_max; /* what it may keep unused */
	struct iscsi_waker *waker;	     /* then iscsi_purse_trim is to be called on its loop */
	atomic_bool asked; /* somebody lacks: whatever is given back goes to the budget */
	/* The budget's, under its lock. */
	bool waits;
	uint64_t lacks;
	struct iscsi_purse *prev, *next, *line_prev, *line_next;
};

void iscsi_purse_join(struct iscsi_purse *purse, struct iscsi_budget *budget,
		      struct iscsi_waker *waker);
/* With nothing in use. */
void iscsi_purse_leave(struct iscsi_purse *purse);

/*
 * The node uses `used` and wants to use `need`, of which nothing is its own if it is `alone`: then
 * it may have more than there is, as long as no other node uses any. False: it stands in line, and
 * is woken when it may ask again.
 */
bool iscsi_purse_reserve(struct iscsi_purse *purse, uint64_t used, uint64_t need, bool alone);
/* It wants nothing any more. */
void iscsi_purse_leave_line(struct iscsi_purse *purse);
/* The same for early data; nobody stands in line for them. */
bool iscsi_purse_reserve_early(struct iscsi_purse *purse, uint64_t used, uint64_t need);

/* Gives back what is not used. */
void iscsi_purse_trim(struct iscsi_purse *purse, uint64_t used, uint64_t early_used);
/* Is there nothing left, or somebody in line? */
bool iscsi_purse_is_short(struct iscsi_purse *purse, uint64_t used);

/* Has it too much, now that it uses that much? */
static inline bool iscsi_purse_is_full(const struct iscsi_purse *purse, uint64_t used)
{
	return used + purse->spare_max < purse->granted ||
	       atomic_load_explicit(&purse->asked, memory_order_relaxed);
}

#endif
