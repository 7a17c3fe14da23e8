/*
 * What the in-process target of the tests stands on: a disk in memory whose requests can be held
 * back, and a journal store in memory that outlives a restart and can be told to fail.
 */
#ifndef TESTS_SUPPORT_TARGET_PARTS_H
#define TESTS_SUPPORT_TARGET_PARTS_H

#include "pr_engine/store.h"
#include "target/backing.h"

/* A disk. Requests are done before submit returns, unless `hold` is set: then they queue. */
struct test_disk {
	struct backing backing;
	uint8_t *bytes;
	bool hold;
	int next_error; /* negative errno: the next request ends with it */
	struct backing_request **held;
	size_t held_count, held_cap;
	unsigned requests; /* ever submitted */
};

/* Its ops->close leaves it alone: it belongs to the test, and survives restarts. */
void test_disk_init(struct test_disk *disk, uint64_t size);
void test_disk_clear(struct test_disk *disk);
/* Does what was held, in order, and all that follows from it; `hold` stays as it is. */
void test_disk_release(struct test_disk *disk);

/* A journal store. Its ops->close leaves it alone as well. */
struct test_store {
	struct pr_store store;
	uint8_t *bytes;
	size_t len, cap;
	int error;	 /* negative errno: every write, sync and replace ends with it */
	unsigned writes; /* that took effect, replaces too */
	unsigned syncs;
};

void test_store_init(struct test_store *store);
void test_store_clear(struct test_store *store);

#endif
