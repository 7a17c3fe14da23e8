/*
 * Crashes of what a LUN remembers beside its reservations: lunN.medium (erasures, atomic writes)
 * and lunN.saved (mode pages, identifying information). After every store call, with what was not
 * synced lost, kept or torn at every byte, the next start finds what was last promised, or what was
 * under way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/medium_record.h"
#include "tests/support/store_memory.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define LOOSE_MAX 8

/* ---- every crash of a store's calls ---------------------------------------------------------- */

struct crashes {
	const struct store_memory *memory;
	/* Is told of each image: the crash came when `calls` calls were made. */
	void (*look)(const struct crashes *crashes, size_t calls, const struct bytes *image);
	void *context;
	bool settled_only; /* nothing that was loose, or under way, has reached the disk */
	uint64_t images;
};

static void try_crash(struct crashes *crashes, const struct memory_crash *crash)
{
	struct bytes image = {0};

	store_memory_crash(crashes->memory, crash, &image);
	crashes->look(crashes, crash->calls, &image);
	bytes_free(&image);
	crashes->images++;
}

/* One of the loose writes is torn, at every byte. */
static void try_torn(struct crashes *crashes, struct memory_crash crash, const size_t *loose,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = crashes->memory->calls[loose[i]].data.len;

		crash.torn_call = loose[i];
		for (crash.torn = 0; !crash.lost[i] && crash.torn < len; crash.torn++)
			try_crash(crashes, &crash);
	}
}

/* Every set of the loose calls is lost. */
static void try_moment(struct crashes *crashes, size_t calls)
{
	size_t loose[LOOSE_MAX];
	size_t count = store_memory_loose(crashes->memory, calls, loose);
	bool lost[LOOSE_MAX];

	ck_assert_uint_le(count, LOOSE_MAX);
	for (unsigned set = 0; set < 1u << count; set++) {
		for (size_t i = 0; i < count; i++)
			lost[i] = (set >> i & 1) != 0;
		struct memory_crash crash = {.calls = calls, .lost = lost, .torn = SIZE_MAX};
		crashes->settled_only = set + 1 == 1u << count;
		try_crash(crashes, &crash);
		crashes->settled_only = false;
		crash.size_kept = true;
		try_crash(crashes, &crash);
		crash.replace_done = true;
		try_crash(crashes, &crash);
		crash.replace_done = false;
		try_torn(crashes, crash, loose, count);
		crash.size_kept = false;
		try_torn(crashes, crash, loose, count);
	}
}

static void try_all(struct crashes *crashes)
{
	for (size_t calls = 0; calls <= crashes->memory->call_count; calls++)
		try_moment(crashes, calls);
	ck_assert_uint_gt(crashes->images, crashes->memory->call_count);
}

/* ---- records --------------------------------------------------------------------------------- */

#define DATA_MAX 96

/* What has been stored: an erasure's operation and place, an atomic write's length (0: none). */
struct remembered {
	enum medium_operation operation;
	uint64_t at;
	uint32_t len;
};

#define STEPS 12

/* The workload: after each step so many calls were made, and that is what is promised. */
struct history {
	size_t calls[STEPS + 1];
	struct remembered states[STEPS + 1];
	uint8_t data[DATA_MAX];
};

static const struct remembered steps[STEPS] = {
	{MEDIUM_IDLE, 0, 40},	    {MEDIUM_IDLE, 0, 0},	   {MEDIUM_IDLE, 0, DATA_MAX},
	{MEDIUM_IDLE, 0, 0},	    {MEDIUM_IDLE, 0, 1},	   {MEDIUM_IDLE, 0, 0},
	{MEDIUM_BLOCK_ERASE, 0, 0}, {MEDIUM_BLOCK_ERASE, 4096, 0}, {MEDIUM_OVERWRITE, 8192, 0},
	{MEDIUM_IDLE, 0, 0},	    {MEDIUM_IDLE, 0, DATA_MAX},	   {MEDIUM_IDLE, 0, 0},
};

static const struct medium_identity medium = {.size = 1 << 20, .identity = 5};

static int step_make(struct pr_store *store, const struct remembered *before,
		     const struct remembered *after, const uint8_t *data)
{
	const struct medium_intent intent = {medium, .offset = after->len, .len = after->len};
	const struct medium_erase_record record = {.medium = medium,
						   .operation = after->operation,
						   .passes = 1,
						   .at = after->at,
						   .pattern_len = 3,
						   .pattern = "abc"};

	if (after->len > 0)
		return medium_intent_store(store, &intent, data);
	if (before->len > 0)
		return medium_intent_clear(store);
	return medium_erase_store(store, &record);
}

static bool is_remembered(const struct remembered *wanted, const struct remembered *found)
{
	return wanted->operation == found->operation && wanted->at == found->at &&
	       wanted->len == found->len;
}

static void look_at_records(const struct crashes *crashes, size_t calls, const struct bytes *image)
{
	const struct history *history = crashes->context;
	struct store_memory *memory = store_memory_open(image);
	struct medium_erase_record record;
	struct medium_intent intent;
	uint8_t data[DATA_MAX];
	size_t done = 0;

	ck_assert_int_eq(medium_erase_load(&memory->store, &record), 0);
	ck_assert_int_eq(medium_intent_load(&memory->store, &intent, data, sizeof(data)), 0);
	const struct remembered found = {record.operation, record.at, intent.len};
	while (done < STEPS && history->calls[done + 1] <= calls)
		done++;
	bool is_promised = is_remembered(&history->states[done], &found);
	bool is_begun = calls > history->calls[done] || !crashes->settled_only;
	bool is_under_way =
		done < STEPS && is_begun && is_remembered(&history->states[done + 1], &found);
	if (!is_promised && !is_under_way)
		ck_abort_msg("call %zu, step %zu: operation %d at %llu, %u bytes", calls, done,
			     found.operation, (unsigned long long)found.at, found.len);
	if (found.len > 0) {
		ck_assert_mem_eq(data, history->data, found.len);
		ck_assert_uint_eq(intent.offset, found.len);
	}
	store_memory_close(&memory);
}

START_TEST(a_medium_record_is_the_last_one_or_the_one_under_way)
{
	struct history history = {.states[0] = {MEDIUM_IDLE, 0, 0}};
	struct store_memory *memory = store_memory_open(NULL);
	struct crashes crashes = {memory, look_at_records, &history, false, 0};

	for (size_t i = 0; i < DATA_MAX; i++)
		history.data[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < STEPS; i++) {
		history.states[i + 1] = steps[i];
		ck_assert_int_eq(
			step_make(&memory->store, &history.states[i], &steps[i], history.data), 0);
		history.calls[i + 1] = memory->call_count;
	}
	try_all(&crashes);
	store_memory_close(&memory);
}
END_TEST

/* A file that was damaged, or deleted, under a running daemon is replaced as a whole. */
START_TEST(what_cannot_be_cleared_in_place_is_replaced)
{
	struct store_memory *memory = store_memory_open(NULL);
	const struct medium_intent intent = {medium, .offset = 0, .len = 8};
	struct medium_intent loaded;
	uint8_t data[8] = "victims";

	ck_assert_int_eq(medium_intent_store(&memory->store, &intent, data), 0);
	for (unsigned bad = 0; bad < 2; bad++) { /* the write, then the sync behind it */
		memory->failure = (struct memory_failure){
			.first = memory->call_count + bad, .count = 1, .error = -ESTALE};
		ck_assert_int_eq(medium_intent_clear(&memory->store), 0);
		ck_assert_int_eq(medium_intent_load(&memory->store, &loaded, data, 8), 0);
		ck_assert_uint_eq(loaded.len, 0);
		ck_assert_int_eq(memory->calls[memory->call_count - 1].op, MEMORY_REPLACE);
	}
	store_memory_close(&memory);
}
END_TEST

/* ---- a whole LUN ----------------------------------------------------------------------------- */

#define LBA    10
#define BLOCKS 4

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.saves = true});
	f->disks[0].backing.volatile_store = false;
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

/* Another store in the place of the fixture's, until it is put back. */
static struct store_memory *record_store(struct pr_store **place)
{
	struct store_memory *memory = store_memory_open(NULL);

	*place = &memory->store;
	return memory;
}

static void restart_with(struct test_store *store, const struct bytes *image)
{
	free(store->bytes);
	store->bytes = malloc(image->len + 1);
	ck_assert_ptr_nonnull(store->bytes);
	if (image->len > 0)
		memcpy(store->bytes, image->data, image->len);
	store->len = image->len;
	store->cap = image->len + 1;
	ck_assert_int_eq(fixture_restart(f), 0);
	a = fixture_login(f, 'a');
	fixture_settle(f);
}

struct atomic_history {
	size_t stored; /* calls until the medium is written */
	size_t calls;  /* until it was answered */
	bool clearing; /* the medium is written, and the record is being forgotten */
};

static uint8_t *block(unsigned index)
{
	return f->disks[0].bytes + (size_t)(LBA + index) * FIXTURE_BLOCK;
}

static bool blocks_are(uint8_t fill)
{
	for (size_t i = 0; i < (size_t)BLOCKS * FIXTURE_BLOCK; i++)
		if (block(0)[i] != fill)
			return false;
	return true;
}

/* The medium as it may be: untouched, any part of it new, or all. */
static void look_at_disk(const struct crashes *crashes, size_t calls, const struct bytes *image)
{
	const struct atomic_history *history = crashes->context;
	unsigned first = history->clearing ? (1u << BLOCKS) - 1 : 0;
	unsigned last = calls < history->stored ? 0 : (1u << BLOCKS) - 1;

	for (unsigned set = first; set <= last; set++) {
		for (unsigned i = 0; i < BLOCKS; i++)
			memset(block(i), set >> i & 1 ? 'n' : 'o', FIXTURE_BLOCK);
		if (calls == history->stored && !history->clearing) /* one is torn as well */
			memset(block(BLOCKS - 1), 'n', FIXTURE_BLOCK / 2);
		restart_with(&f->media[0], image);
		ck_assert(blocks_are('n') || (calls < history->stored && blocks_are('o')));
		ck_assert(!fixture_lun(f)->intents.owner && !fixture_lun(f)->intents.broken);
		fixture_good(fixture_read(f, a, LBA, BLOCKS));
	}
}

START_TEST(an_atomic_write_is_all_there_or_not_at_all)
{
	const uint8_t cdb[16] = {0x9c, [9] = LBA, [13] = BLOCKS};
	uint8_t out[BLOCKS * FIXTURE_BLOCK];
	struct pr_store **place = &fixture_lun(f)->config.medium_store, *kept = *place;
	struct store_memory *memory = record_store(place);
	struct atomic_history history;
	struct crashes crashes = {memory, look_at_disk, &history, false, 0};

	memset(out, 'n', sizeof(out));
	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start(
		f, a,
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = 16, .out = out, .out_len = sizeof(out)});
	fixture_settle(f);
	history.stored = memory->call_count;
	f->disks[0].hold = false;
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	fixture_good(fixture_result(task));
	history.calls = memory->call_count;
	ck_assert_uint_gt(history.calls, history.stored);
	*place = kept;
	for (size_t calls = 0; calls <= memory->call_count; calls++) {
		/* Torn at every byte of 2048 would be as many restarts: the records above are. */
		size_t loose[LOOSE_MAX];
		size_t count = store_memory_loose(memory, calls, loose);
		bool lost[LOOSE_MAX];

		for (unsigned set = 0; set < 1u << count; set++) {
			for (size_t i = 0; i < count; i++)
				lost[i] = (set >> i & 1) != 0;
			history.clearing =
				calls > history.stored || (calls == history.stored && set == 0);
			try_crash(&crashes, &(struct memory_crash){.calls = calls,
								   .lost = lost,
								   .torn = SIZE_MAX,
								   .replace_done = true});
			for (size_t i = 0; i < count; i++)
				try_crash(&crashes, &(struct memory_crash){.calls = calls,
									   .lost = lost,
									   .torn_call = loose[i],
									   .torn = 17});
		}
	}
	store_memory_close(&memory);
}
END_TEST

/* ---- saved values ---------------------------------------------------------------------------- */

#define TEXTS 4

struct saved_history {
	size_t calls[TEXTS + 1]; /* until text number n was answered */
};

static void look_at_saved(const struct crashes *crashes, size_t calls, const struct bytes *image)
{
	const struct saved_history *history = crashes->context;
	unsigned done = 0;

	restart_with(&f->saved[0], image);
	while (done < TEXTS && history->calls[done + 1] <= calls)
		done++;
	const struct fixture_result *result =
		FIXTURE_CDB(f, a, 64, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	fixture_good(result);
	size_t len = get_be16(result->data + 2);
	ck_assert(len == done || (len == done + 1 && done < TEXTS));
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(result->data[4 + i], '0' + len);
}

/* Text number n is n digits n. */
START_TEST(saved_values_are_the_last_ones_or_those_under_way)
{
	struct pr_store **place = &fixture_lun(f)->config.saved_store, *kept = *place;
	struct store_memory *memory = record_store(place);
	struct saved_history history = {{0}};
	struct crashes crashes = {memory, look_at_saved, &history, false, 0};

	for (uint8_t n = 1; n <= TEXTS; n++) {
		const uint8_t cdb[12] = {0xa4, 0x06, [9] = n};
		uint8_t text[TEXTS];

		memset(text, '0' + n, n);
		fixture_good(
			fixture_do(f, a,
				   &(struct fixture_command){
					   .cdb = cdb, .cdb_len = 12, .out = text, .out_len = n}));
		history.calls[n] = memory->call_count;
	}
	*place = kept;
	/* Before the first one there is no file; an empty one is none of ours. */
	for (size_t calls = 1; calls <= memory->call_count; calls++)
		try_moment(&crashes, calls);
	store_memory_close(&memory);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_medium_record_is_the_last_one_or_the_one_under_way);
	tcase_add_test(tcase, what_cannot_be_cleared_in_place_is_replaced);
	tcase_add_test(tcase, an_atomic_write_is_all_there_or_not_at_all);
	tcase_add_test(tcase, saved_values_are_the_last_ones_or_those_under_way);
}

int main(void)
{
	return suite_run("crash/medium", fill);
}
