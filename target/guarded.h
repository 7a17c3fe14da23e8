/*
 * Access to mapped files that may fail: where somebody else has cut a file off, or the disk is full
 * or broken, the kernel says SIGBUS. Inside of what is named here that is an answer; anywhere else
 * it ends the process, as ever. For target/ only.
 */
#ifndef TARGET_GUARDED_H
#define TARGET_GUARDED_H

#include <stdbool.h>
#include <stddef.h>

#define GUARDED_RANGES 2

struct guarded_work {
	void (*run)(void *context); /* takes no lock and no memory: it may end anywhere */
	void *context;
	struct {
		const void *start;
		size_t len;
	} ranges[GUARDED_RANGES];
};

/* Once before any work; by whoever maps a file. */
void guarded_init(void);

/* False: an access to one of the ranges failed, and what came behind it was not done. */
bool guarded_run(const struct guarded_work *work);

#endif
