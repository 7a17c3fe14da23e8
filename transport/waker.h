/*
 * How a node is called to its own loop, by another one's thread or its own (docs/threads.md).
 */
#ifndef TRANSPORT_WAKER_H
#define TRANSPORT_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct iscsi_waker {
	void (*wake)(void *context); /* on any thread; NULL: there is one loop */
	void *context;
	atomic_bool due;
};

static inline void iscsi_waker_wake(struct iscsi_waker *waker)
{
	atomic_store(&waker->due, true);
	if (waker->wake)
		waker->wake(waker->context);
}

/* Has somebody woken it since the last time? On its loop. */
static inline bool iscsi_waker_take(struct iscsi_waker *waker)
{
	return atomic_load_explicit(&waker->due, memory_order_relaxed) &&
	       atomic_exchange(&waker->due, false);
}

#endif
