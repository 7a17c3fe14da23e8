#include <stdlib.h>

#include "pr_engine/journal_history.h"
#include "pr_engine/journal_record.h"
#include "tests/support/suite.h"

/* Pushes a record with that sequence and so many bytes of changes. */
static void push(struct pr_history *history, uint64_t sequence, size_t changes_len)
{
	struct pr_journal_meta meta = {.event = PR_EVENT_PR_OUT};
	uint8_t *frame = malloc(pr_frame_record_len(&meta, changes_len));
	uint8_t *changes = calloc(1, changes_len + 1);

	ck_assert(frame && changes);
	pr_frame_record_encode(&meta, sequence, changes, changes_len, frame);
	pr_history_push(history, frame);
	free(changes);
	free(frame);
}

/* What is kept is whole, marked as history, and has these sequences. */
static void expect(struct pr_history *history, uint64_t first, uint64_t last)
{
	size_t at = history->head;

	for (uint64_t sequence = first; sequence <= last; sequence++) {
		struct pr_frame_header header;
		struct pr_journal_record record;
		ck_assert_uint_lt(at, history->tail);
		pr_frame_seal(history->bytes + at, 1, 0);
		ck_assert(pr_frame_header_decode(history->bytes + at, 1, &header));
		ck_assert(pr_frame_record_decode(history->bytes + at, &header, &record));
		ck_assert(record.history_only);
		ck_assert_uint_eq(record.sequence, sequence);
		at += header.len;
	}
	ck_assert_uint_eq(at, history->tail);
	ck_assert_uint_eq(history->count, last + 1 - first);
}

START_TEST(newest_records_are_kept_in_order)
{
	struct pr_history history;

	pr_history_init(&history, 7);
	for (uint64_t sequence = 1; sequence <= 1000; sequence++) {
		push(&history, sequence, (size_t)(sequence * 37 % 400));
		expect(&history, sequence > 7 ? sequence - 6 : 1, sequence);
	}
	pr_history_clear(&history);
}
END_TEST

START_TEST(bytes_are_bounded)
{
	struct pr_history history;

	pr_history_init(&history, 4096);
	for (uint64_t sequence = 1; sequence <= 200; sequence++) {
		push(&history, sequence, 50000);
		ck_assert_uint_le(pr_history_len(&history), PR_HISTORY_BYTES_MAX);
	}
	expect(&history, 181, 200);
	ck_assert_uint_le(history.cap, 4 * PR_HISTORY_BYTES_MAX);
	pr_history_clear(&history);
}
END_TEST

START_TEST(small_history_takes_little_memory)
{
	struct pr_history history;

	pr_history_init(&history, 4);
	for (uint64_t sequence = 1; sequence <= 10000; sequence++)
		push(&history, sequence, 20);
	ck_assert_uint_le(history.cap, 4096);
	pr_history_clear(&history);
}
END_TEST

START_TEST(record_larger_than_all_room_is_left_out)
{
	struct pr_history history;

	pr_history_init(&history, 10);
	push(&history, 1, 10);
	push(&history, 2, PR_HISTORY_BYTES_MAX);
	expect(&history, 1, 1);
	pr_history_clear(&history);
}
END_TEST

START_TEST(history_of_zero_records_keeps_nothing)
{
	struct pr_history history;

	pr_history_init(&history, 0);
	push(&history, 1, 10);
	ck_assert_uint_eq(pr_history_len(&history), 0);
	ck_assert_ptr_null(history.bytes);
	pr_history_clear(&history);
}
END_TEST

START_TEST(count_has_an_upper_limit)
{
	struct pr_history history;

	pr_history_init(&history, UINT32_MAX);
	ck_assert_uint_eq(history.count_max, PR_HISTORY_RECORDS_MAX);
	pr_history_clear(&history);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, newest_records_are_kept_in_order);
	tcase_add_test(tcase, bytes_are_bounded);
	tcase_add_test(tcase, small_history_takes_little_memory);
	tcase_add_test(tcase, record_larger_than_all_room_is_left_out);
	tcase_add_test(tcase, history_of_zero_records_keeps_nothing);
	tcase_add_test(tcase, count_has_an_upper_limit);
}

int main(void)
{
	return suite_run("journal_history", fill);
}
