/*
 * Any bytes as a journal: as they are, or as the contents of records whose checksums are made to
 * fit, so that hostile changes reach recovery. Opening agrees with scanning; what cannot be opened
 * is left as it was; what can be opened takes records, and reads back as the same state.
 *
 * Input: one byte: 0 the rest is the file; else a header and records are made of the rest:
 * {flags, length of the changes (two bytes), event, changes}.
 */
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_record.h"
#include "tests/support/store_memory.h"

#define FILE_MAX	  (1 << 16)
#define RECORDS_MAX	  64
#define REGISTRATIONS_MAX 32

enum flag {
	FLAG_MARK = 1 << 0,
	FLAG_HISTORY = 1 << 1,
	FLAG_SKIP_SEQUENCE = 1 << 2,
	FLAG_NOTHING_SYNCED = 1 << 3,
	FLAG_DAMAGE = 1 << 4,
	FLAG_ALL_SYNCED = 1 << 5,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

/* ---- making a file ---- */

static void make_record(struct byte_reader *in, struct byte_writer *file, uint32_t seed,
			uint64_t *sequence)
{
	uint8_t flags = byte_reader_u8(in);
	size_t wanted = byte_reader_be16(in) % 2048;
	struct pr_journal_meta meta = {.event = (enum pr_journal_event)byte_reader_u8(in),
				       .time_ms = 1,
				       .generation = flags};
	size_t left = byte_reader_left(in);
	size_t changes_len = left < wanted ? left : wanted;
	const uint8_t *changes = byte_reader_take(in, changes_len);
	uint64_t synced = file->len;
	size_t len;
	uint8_t *frame;

	if (in->failed)
		return;
	if (flags & FLAG_NOTHING_SYNCED)
		synced = 0;
	else if (flags & FLAG_ALL_SYNCED)
		synced = FILE_MAX * 2;
	if (flags & FLAG_MARK) {
		len = PR_FRAME_HEADER_LEN;
		frame = byte_writer_claim(file, len);
		if (!frame)
			return;
		pr_frame_mark_encode(*sequence, frame);
	} else {
		len = pr_frame_record_len(&meta, changes_len);
		frame = len > 0 ? byte_writer_claim(file, len) : NULL;
		if (!frame)
			return;
		*sequence += (flags & FLAG_SKIP_SEQUENCE) ? 2 : 1;
		pr_frame_record_encode(&meta, *sequence, changes, changes_len, frame);
		if (flags & FLAG_HISTORY)
			pr_frame_set_history_only(frame);
	}
	pr_frame_seal(frame, seed, synced);
	if (flags & FLAG_DAMAGE)
		frame[changes_len % len] ^= 0x20;
}

static size_t make_file(const uint8_t *data, size_t size, uint8_t *out)
{
	struct byte_reader in = byte_reader_over(data, size);
	struct byte_writer file = byte_writer_over(out, FILE_MAX);
	struct pr_file_header header = {.epoch = 1, .identity = {.target_name = "iqn.a"}};
	uint8_t *head = byte_writer_claim(&file, PR_FILE_HEADER_LEN);
	uint64_t sequence = 0;

	require(head != NULL);
	header.durable_len = byte_reader_be16(&in);
	if (header.durable_len == 0xffff)
		header.durable_len = PR_FILE_HEADER_LEN;
	uint32_t seed = pr_file_header_encode(&header, head);
	for (unsigned i = 0; i < RECORDS_MAX && byte_reader_left(&in) > 0; i++)
		make_record(&in, &file, seed, &sequence);
	return file.len;
}

/* ---- using it ---- */

static struct pr_state *new_state(void)
{
	void *memory = calloc(1, pr_state_size(REGISTRATIONS_MAX));
	require(memory != NULL);
	return pr_state_init(memory, REGISTRATIONS_MAX, 42);
}

static void look_at_record(void *context, const struct pr_journal_record *record)
{
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;
	char text[128];

	++*(uint64_t *)context;
	while (pr_change_decode(&in, &change)) {
		pr_change_describe(&change, text, sizeof(text));
		require(memchr(text, '\0', sizeof(text)) != NULL);
	}
}

static bool sound(enum pr_journal_health health)
{
	return health == PR_JOURNAL_EMPTY || health == PR_JOURNAL_CLEAN ||
	       health == PR_JOURNAL_TORN_TAIL;
}

static size_t snapshot_of(const struct pr_state *state, uint8_t *out, size_t cap)
{
	struct byte_writer w = byte_writer_over(out, cap);
	pr_state_snapshot(state, &w);
	require(!w.overflow && w.len <= pr_state_snapshot_max(state));
	return w.len;
}

/* Goes through one batch that registers somebody, and comes back with the same. */
static void use_journal(struct pr_journal *journal, struct pr_state *state)
{
	static uint8_t buffer[PR_CHANGE_ENCODED_MAX * 2];
	struct byte_writer w = byte_writer_over(buffer, sizeof(buffer));
	struct pr_journal_meta meta = {.event = PR_EVENT_PR_OUT, .time_ms = 5};
	struct pr_change aptpl = {.op = PR_CHANGE_APTPL, .aptpl = true};
	struct pr_change add = {
		.op = PR_CHANGE_ADD,
		.registration_id = pr_state_next_id(state),
		.key = 7,
		.since = {5, pr_journal_next_sequence(journal)},
		.nexus = {.initiator_name = "iqn.fuzz.new", .relative_target_port_id = 1}};

	pr_change_encode(&aptpl, &w);
	if (pr_state_count(state) < REGISTRATIONS_MAX && !pr_state_find(state, &add.nexus) &&
	    add.registration_id < UINT64_MAX)
		pr_change_encode(&add, &w);
	require(pr_journal_begin(journal, state) == 0);
	require(pr_journal_add(journal, &meta, buffer, w.len) == 0);
	int result = pr_journal_run(journal, true);
	require(result == 0);
	pr_journal_end(journal, result);
	require(pr_state_apply_encoded(state, buffer, w.len));
	require(pr_state_check(state) == NULL);
}

static void reopen(struct store_memory *memory, const struct pr_state *expected)
{
	static uint8_t a[1 << 16], b[1 << 16];
	struct pr_state *state = new_state();
	struct pr_journal_report report;
	struct pr_journal *journal;

	require(pr_journal_open(&memory->store, NULL, 9, 8, state, &report, &journal) == 0);
	require(report.health == PR_JOURNAL_CLEAN);
	require(pr_state_check(state) == NULL);
	size_t a_len = snapshot_of(expected, a, sizeof(a));
	size_t b_len = snapshot_of(state, b, sizeof(b));
	require(a_len == b_len && memcmp(a, b, a_len) == 0);
	pr_journal_free(&journal);
	free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	struct pr_journal_report scanned, opened;
	struct pr_journal *journal;
	uint64_t records = 0;
	size_t len = 0;

	if (size == 0)
		return 0;
	if (data[0] != 0) {
		len = make_file(data + 1, size - 1, file);
	} else {
		len = size - 1 < FILE_MAX ? size - 1 : FILE_MAX;
		memcpy(file, data + 1, len);
	}
	struct bytes image = {.data = file, .len = len};
	struct store_memory *memory = store_memory_open(&image);
	struct pr_state *state = new_state();

	pr_journal_scan(&memory->store, look_at_record, &records, &scanned);
	require(scanned.health != PR_JOURNAL_INVALID);
	require(memory->call_count == 0);
	require(scanned.records == records && scanned.size == len);
	require(memchr(scanned.explanation, '\0', sizeof(scanned.explanation)) != NULL);

	int result = pr_journal_open(&memory->store, NULL, 3, 8, state, &opened, &journal);
	if (result == 0) {
		require(sound(scanned.health) && opened.health == scanned.health);
		require(opened.valid_end == scanned.valid_end && opened.records == scanned.records);
		require(pr_state_check(state) == NULL);
		require(pr_state_generation(state) == 0);
		require(pr_state_aptpl(state) || pr_state_count(state) == 0);
		use_journal(journal, state);
		pr_journal_free(&journal);
		reopen(memory, state);
	} else {
		require(result < 0 && strlen(opened.explanation) > 0);
		require(memory->call_count == 0); /* nothing was changed */
	}
	store_memory_close(&memory);
	free(state);
	return 0;
}
