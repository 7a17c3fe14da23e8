/*
 * The inside of the daemon's event loops: for loops*.c alone.
 */
#ifndef TOOLS_HOLDFASTD_LOOPS_INTERNAL_H
#define TOOLS_HOLDFASTD_LOOPS_INTERNAL_H

#include <pthread.h>

#include "target/remote.h"
#include "tools/holdfastd/loops.h"

/* A further loop. What is not its thread's is the home's. */
struct service_loop {
	struct service *service;
	struct ev_loop *loop;
	struct scsi_executor *executor;
	struct loop_part part;
	struct scsi_link link;
	pthread_t thread;
	bool runs;
	struct scsi_letter quit, stop, stopped;
	uint32_t grace_ms;
};

struct service_loops {
	unsigned count; /* further ones */
	struct service_loop *loops;
	unsigned running; /* servers that have not stopped */
	void (*stopped)(void *context);
	void *stopped_context;
	/* loops_each */
	pthread_mutex_t lock;
	pthread_cond_t called;
};

#define member_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* A letter for the loop, and it is woken. */
static inline void loop_post_now(struct service_loop *loop, struct scsi_letter *letter)
{
	scsi_line_post(&loop->link.down, letter);
	scsi_line_flush(&loop->link.down);
}

/* loops_reset.c. For the node of a loop, which is `context`. */
void loops_relay_cold_reset(void *context, const char *target_name);

#endif
