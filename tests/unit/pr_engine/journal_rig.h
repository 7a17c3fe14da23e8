/*
 * A journal over a store in memory, with everything it needs. For test_journal*.c.
 */
#ifndef TESTS_UNIT_PR_ENGINE_JOURNAL_RIG_H
#define TESTS_UNIT_PR_ENGINE_JOURNAL_RIG_H

#include "pr_engine/journal.h"
#include "tests/support/store_memory.h"
#include "tests/support/suite.h"

#define RIG_CAPACITY 64
#define RIG_TIME_MS  UINT64_C(1700000000000)

extern const struct pr_journal_identity rig_identity;
extern const struct pr_journal_meta meta_register;

/* `state` is the committed state. */
struct rig {
	struct store_memory *memory;
	struct pr_state *state;
	struct pr_journal *journal;
	struct pr_journal_report report;
};

struct pr_state *state_new(uint32_t capacity);

/* Opens a rig on a store with these bytes; NULL: an empty one. */
int rig_try(struct rig *rig, const struct bytes *initial, uint32_t history_max);
void rig_open(struct rig *rig, const struct bytes *initial);
void rig_close(struct rig *rig);
/* Closes the rig and opens another one on what readers of its store see. */
void rig_restart(struct rig *rig);

struct pr_change change_add(const struct pr_state *state, uint64_t key);
size_t change_bytes(const struct pr_change *change, uint8_t *ret_data);

/* One batch of one change; installed when run gave 0, or when `install` says so anyway. */
int rig_change(struct rig *rig, const struct pr_change *change, bool durable, bool install);
void rig_register(struct rig *rig, uint64_t key);
void rig_aptpl(struct rig *rig, bool aptpl);
/* A fresh journal with APTPL = 1 and `registrations` registrations, keys 1, 2, 3 ... */
void rig_filled(struct rig *rig, unsigned registrations);

/* The store's calls fail from the one behind the next `skip` on, `count` of them. */
void fail_calls(struct rig *rig, size_t skip, size_t count, int error, bool half);
const struct memory_call *last_call(const struct rig *rig, size_t back);

/* Records that a scan finds. */
struct scanned {
	struct pr_journal_record records[64];
	enum pr_change_op first_op[64]; /* of each record; 0: none */
	size_t count;
	struct pr_journal_report report;
};

void scan_rig(const struct rig *rig, struct scanned *ret_scanned);

/* Tries to open these bytes: the report, and if asked for the error and the registrations. */
struct pr_journal_report open_report(const struct bytes *bytes, int *ret_err, uint32_t *ret_count);
void expect_health(const struct bytes *bytes, enum pr_journal_health health);

#endif
