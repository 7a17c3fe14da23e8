/*
 * Files that no journal wrote: every CRC is right, but the order is not, or the numbers.
 */
#include <errno.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_record.h"
#include "tests/unit/pr_engine/journal_rig.h"

struct forge {
	uint8_t data[4096];
	size_t len;
	uint32_t seed;
};

static void forge_begin(struct forge *forge, uint64_t durable_len)
{
	struct pr_file_header header = {
		.epoch = 1, .durable_len = durable_len, .identity = rig_identity};

	forge->seed = pr_file_header_encode(&header, forge->data);
	forge->len = PR_FILE_HEADER_LEN;
}

static void forge_record(struct forge *forge, enum pr_journal_event event, uint64_t sequence,
			 bool history_only, uint64_t synced_upto)
{
	struct pr_journal_meta meta = {.event = event};
	uint8_t *frame = forge->data + forge->len;

	pr_frame_record_encode(&meta, sequence, NULL, 0, frame);
	if (history_only)
		pr_frame_set_history_only(frame);
	pr_frame_seal(frame, forge->seed, synced_upto);
	forge->len += pr_frame_len(frame);
}

static void forge_mark(struct forge *forge, uint64_t sequence, uint64_t synced_upto)
{
	pr_frame_mark_encode(sequence, forge->data + forge->len);
	pr_frame_seal(forge->data + forge->len, forge->seed, synced_upto);
	forge->len += PR_FRAME_HEADER_LEN;
}

static void forge_expect(const struct forge *forge, enum pr_journal_health health)
{
	struct bytes bytes = {.data = (uint8_t *)forge->data, .len = forge->len};

	expect_health(&bytes, health);
}

START_TEST(file_without_a_snapshot_is_damage)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_record(&forge, PR_EVENT_POWER_ON, 1, true, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_PR_OUT, 1, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_mark(&forge, 1, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(record_out_of_its_place_does_not_count)
{
	static const struct {
		enum pr_journal_event event;
		uint64_t sequence;
		bool history_only;
		enum pr_journal_health health;
	} cases[] = {
		{PR_EVENT_PR_OUT, 6, false, PR_JOURNAL_CLEAN},
		{PR_EVENT_POWER_ON, 6, false, PR_JOURNAL_CLEAN},
		{PR_EVENT_PR_OUT, 5, false, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_PR_OUT, 7, false, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_PR_OUT, 6, true, PR_JOURNAL_TORN_TAIL},
		{PR_EVENT_SNAPSHOT, 6, false, PR_JOURNAL_TORN_TAIL},
	};
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge_record(&forge, cases[_i].event, cases[_i].sequence, cases[_i].history_only, 0);
	forge_expect(&forge, cases[_i].health);
}
END_TEST

START_TEST(history_records_must_rise_up_to_the_snapshot)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_PR_OUT, 3, true, 0);
	forge_record(&forge, PR_EVENT_PR_OUT, 9, true, 0);
	size_t len = forge.len;
	forge_record(&forge, PR_EVENT_SNAPSHOT, 9, false, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge.len = len;
	forge_record(&forge, PR_EVENT_SNAPSHOT, 8, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge.len = len;
	forge_record(&forge, PR_EVENT_PR_OUT, 9, true, 0);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 9, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(mark_must_have_the_sequence_in_front_of_it)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	forge_mark(&forge, 5, 0);
	forge_expect(&forge, PR_JOURNAL_CLEAN);
	forge_mark(&forge, 6, 0);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
}
END_TEST

START_TEST(only_a_synced_upto_above_the_hole_is_evidence)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	size_t hole = forge.len;
	forge_record(&forge, PR_EVENT_PR_OUT, 6, false, 0);
	size_t behind = forge.len;
	forge.data[hole] ^= 1;
	forge_record(&forge, PR_EVENT_PR_OUT, 7, false, hole);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
	forge.len = behind;
	forge_record(&forge, PR_EVENT_PR_OUT, 7, false, hole + 1);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	/* Its body does not matter. */
	memset(forge.data + behind + PR_FRAME_HEADER_LEN, 0, forge.len - behind - 40);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(frame_longer_than_the_file_is_a_torn_tail)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 5, false, 0);
	size_t at = forge.len;
	forge_record(&forge, PR_EVENT_PR_OUT, 6, false, 0);
	put_be32(forge.data + at + 4, 0xfffffff8);
	pr_frame_seal(forge.data + at, forge.seed, 0);
	forge_expect(&forge, PR_JOURNAL_TORN_TAIL);
}
END_TEST

START_TEST(sequence_near_the_end_of_numbers_is_refused)
{
	struct forge forge;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, UINT64_MAX, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, 0, false, 0);
	forge_expect(&forge, PR_JOURNAL_DAMAGED);
}
END_TEST

START_TEST(journal_out_of_sequences_refuses_to_go_on)
{
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = true};
	size_t len = change_bytes(&change, data);
	uint64_t left = (uint64_t)_i; /* behind the power on record */
	struct forge forge;
	struct rig rig;

	forge_begin(&forge, PR_FILE_HEADER_LEN);
	forge_record(&forge, PR_EVENT_SNAPSHOT, PR_SEQUENCE_MAX - 1 - left, false, 0);
	struct bytes bytes = {.data = forge.data, .len = forge.len};
	rig_open(&rig, &bytes);
	for (uint64_t i = 0; i < left; i++)
		ck_assert_int_eq(rig_change(&rig, &change, true, false), 0);
	ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), -EOVERFLOW);
	/* What was acknowledged is there, and nothing in the file says that it is damaged. */
	struct pr_journal_report report;
	pr_journal_scan(&rig.memory->store, NULL, NULL, &report);
	ck_assert_int_eq(report.health, PR_JOURNAL_CLEAN);
	rig_close(&rig);

	rig_open(&rig, &bytes);
	if (left > 0) {
		ck_assert_int_eq(pr_journal_begin(rig.journal, rig.state), 0);
		for (uint64_t i = 0; i < left; i++)
			ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, data, len), 0);
		ck_assert_int_eq(pr_journal_add(rig.journal, &meta_register, data, len),
				 -EOVERFLOW);
		ck_assert_int_eq(pr_journal_run(rig.journal, true), 0);
		pr_journal_end(rig.journal, 0);
	}
	rig_close(&rig);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, file_without_a_snapshot_is_damage);
	tcase_add_loop_test(tcase, record_out_of_its_place_does_not_count, 0, 6);
	tcase_add_test(tcase, history_records_must_rise_up_to_the_snapshot);
	tcase_add_test(tcase, mark_must_have_the_sequence_in_front_of_it);
	tcase_add_test(tcase, only_a_synced_upto_above_the_hole_is_evidence);
	tcase_add_test(tcase, frame_longer_than_the_file_is_a_torn_tail);
	tcase_add_test(tcase, sequence_near_the_end_of_numbers_is_refused);
	tcase_add_loop_test(tcase, journal_out_of_sequences_refuses_to_go_on, 0, 3);
}

int main(void)
{
	return suite_run("journal_forged", fill);
}
