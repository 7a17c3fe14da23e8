#include "target/trace.h"

#include <stdio.h>
#include <string.h>

#include "target/trace_task.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define TIME 1700000000000000000u

static uint64_t clock_ns(void *context)
{
	uint64_t *now = context;

	return (*now += 1000);
}

static uint64_t now_ns;

static struct trace_ring *new_ring(uint32_t slots)
{
	now_ns = TIME;
	struct trace_ring *ring = trace_ring_create(slots, clock_ns, &now_ns);
	ck_assert_ptr_nonnull(ring);
	return ring;
}

static void put_numbered(struct trace_ring *ring, uint32_t number, size_t text_len)
{
	char text[TRACE_NOTE_MAX] = "";
	struct trace_note note = {.tag = number, .lun = TRACE_NO_LUN};

	memset(text, 'x', text_len);
	trace_put_note(ring, TRACE_FAULT, 0, &note, text);
}

static uint32_t next_number(const struct trace_ring *ring, struct trace_cursor *cursor,
			    uint64_t *lost)
{
	struct trace_event event;
	struct trace_note note;

	if (!trace_next(ring, cursor, lost, &event))
		return UINT32_MAX;
	ck_assert(trace_read_note(&event, &note));
	return note.tag;
}

START_TEST(what_was_put_is_read_in_order)
{
	struct trace_ring *ring = new_ring(64);
	struct trace_cursor cursor = trace_oldest(ring);
	uint64_t lost = 0;

	for (uint32_t i = 0; i < 10; i++)
		put_numbered(ring, i, i * 30);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_uint_eq(next_number(ring, &cursor, &lost), i);
	ck_assert_uint_eq(next_number(ring, &cursor, &lost), UINT32_MAX);
	ck_assert_uint_eq(lost, 0);
	trace_ring_free(&ring);
}
END_TEST

/* Records of every length, so that every one of them comes to lie at the end of the ring. */
START_TEST(a_full_ring_forgets_the_oldest_and_counts_them)
{
	struct trace_ring *ring = new_ring(64);
	struct trace_cursor from_start = trace_oldest(ring);
	struct trace_event event;
	uint64_t read = 0, lost = 0;

	for (uint32_t i = 0; i < 5000; i++) {
		put_numbered(ring, i, i * 7 % (TRACE_NOTE_MAX - 1));
		struct trace_cursor cursor = trace_oldest(ring);
		uint64_t none = 0;
		uint32_t last = UINT32_MAX, number;
		while ((number = next_number(ring, &cursor, &none)) != UINT32_MAX) {
			ck_assert(last == UINT32_MAX || number == last + 1);
			last = number;
		}
		ck_assert_uint_eq(last, i);
		ck_assert_uint_eq(none, 0);
	}
	while (trace_next(ring, &from_start, &lost, &event))
		read++;
	ck_assert_uint_gt(lost, 4900);
	ck_assert_uint_eq(read + lost, 5000);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_reader_at_the_end_sees_only_what_comes)
{
	struct trace_ring *ring = new_ring(64);
	uint64_t lost = 0;

	put_numbered(ring, 1, 0);
	struct trace_cursor cursor = trace_newest(ring);
	ck_assert_uint_eq(next_number(ring, &cursor, &lost), UINT32_MAX);
	put_numbered(ring, 2, 0);
	ck_assert_uint_eq(next_number(ring, &cursor, &lost), 2);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_slow_reader_is_told_exactly_how_many_it_missed)
{
	struct trace_ring *ring = new_ring(64);
	struct trace_cursor cursor = trace_oldest(ring);
	uint64_t lost = 0;

	for (uint32_t i = 0; i < 64 + 10; i++)
		put_numbered(ring, i, 0);
	ck_assert_uint_eq(next_number(ring, &cursor, &lost), 10);
	ck_assert_uint_eq(lost, 10);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(an_event_larger_than_half_the_ring_is_left_out)
{
	struct trace_ring *ring = new_ring(64);
	static uint8_t large[64 * TRACE_SLOT_LEN];
	struct trace_cursor cursor = trace_newest(ring);
	uint64_t lost = 0;

	trace_put(ring, TRACE_PDU, 0, 0, large, sizeof(large));
	ck_assert_ptr_null(trace_take(ring, TRACE_PDU, 0, 0, sizeof(large)));
	put_numbered(ring, 7, 0);
	ck_assert_uint_eq(next_number(ring, &cursor, &lost), 7);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_clock_that_is_set_back_keeps_events_in_order)
{
	struct trace_ring *ring = new_ring(64);
	struct trace_cursor cursor = trace_oldest(ring);
	struct trace_event first, second;
	uint64_t lost = 0;

	put_numbered(ring, 1, 0);
	now_ns -= 1000000;
	trace_tick(ring);
	put_numbered(ring, 2, 0);
	ck_assert(trace_next(ring, &cursor, &lost, &first));
	ck_assert(trace_next(ring, &cursor, &lost, &second));
	ck_assert(second.time_ns >= first.time_ns);
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_capture_gets_every_event_and_whole_pdus)
{
	struct trace_ring *ring = new_ring(64), *capture = new_ring(256);
	struct trace_cursor cursor = trace_oldest(capture);
	struct trace_event event;
	uint32_t snap_len, kept_len, wire_len;
	uint64_t lost = 0;

	ck_assert_ptr_null(trace_ring_captured(ring, &snap_len));
	trace_ring_capture(ring, capture, 100);
	ck_assert_ptr_eq(trace_ring_captured(ring, &snap_len), capture);
	ck_assert_uint_eq(snap_len, 100);
	put_numbered(ring, 5, 20);
	struct trace_whole_pdu *pdu =
		trace_take(capture, TRACE_PDU, TRACE_PDU_WHOLE, 3, sizeof(*pdu) + 100);
	pdu->kept_len = 100;
	pdu->wire_len = 4096;
	pdu->bytes[99] = 0xaa;
	ck_assert_uint_eq(next_number(capture, &cursor, &lost), 5);
	ck_assert(trace_next(capture, &cursor, &lost, &event));
	const uint8_t *bytes = trace_read_pdu(&event, &kept_len, &wire_len);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(kept_len, 100);
	ck_assert_uint_eq(wire_len, 4096);
	ck_assert_uint_eq(bytes[99], 0xaa);
	trace_ring_capture(ring, NULL, 0);
	put_numbered(ring, 6, 0);
	ck_assert(!trace_next(capture, &cursor, &lost, &event));
	trace_ring_free(&ring);
	trace_ring_free(&capture);
}
END_TEST

START_TEST(without_a_ring_nothing_is_kept_and_nothing_breaks)
{
	put_numbered(NULL, 1, 0);
	ck_assert_uint_eq(trace_who_add(NULL), 0);
	trace_who_name(NULL, 0, &(struct pr_nexus_id){0}, "");
	trace_who_remove(NULL, 0);
}
END_TEST

/* ---- who ------------------------------------------------------------------------------------- */

static uint32_t add_host(struct trace_ring *ring, unsigned i)
{
	struct pr_nexus_id id = {.relative_target_port_id = 1};
	uint32_t number = trace_who_add(ring);

	snprintf(id.initiator_name, sizeof(id.initiator_name), "iqn.test:host-%u", i);
	trace_who_name(ring, number, &id, "iqn.test:target");
	return number;
}

START_TEST(who_has_gone_is_known_for_a_while)
{
	struct trace_ring *ring = new_ring(64);
	uint32_t numbers[2 * TRACE_GONE_MAX];
	struct trace_who who;

	for (unsigned i = 0; i < 2 * TRACE_GONE_MAX; i++) {
		numbers[i] = add_host(ring, i);
		ck_assert_uint_ne(numbers[i], 0);
		trace_who_remove(ring, numbers[i]);
		trace_who_remove(ring, numbers[i]); /* twice does no harm */
	}
	ck_assert(!trace_who_get(ring, numbers[0], &who));
	ck_assert(!trace_who_get(ring, numbers[TRACE_GONE_MAX - 1], &who));
	ck_assert(trace_who_get(ring, numbers[TRACE_GONE_MAX], &who));
	ck_assert_str_eq(who.nexus.initiator_name, "iqn.test:host-256");
	ck_assert_str_eq(who.target, "iqn.test:target");
	trace_ring_free(&ring);
}
END_TEST

START_TEST(an_old_number_never_names_whoever_came_later)
{
	struct trace_ring *ring = new_ring(64);
	uint32_t first = add_host(ring, 1);
	struct trace_who who;

	trace_who_remove(ring, first);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t number = add_host(ring, i);
		ck_assert_uint_ne(number, first);
		trace_who_remove(ring, number);
	}
	ck_assert(!trace_who_get(ring, first, &who));
	trace_ring_free(&ring);
}
END_TEST

START_TEST(a_connection_has_addresses_and_gets_a_name)
{
	struct trace_ring *ring = new_ring(64);
	uint32_t number = trace_who_add(ring);
	struct trace_who who;

	ck_assert(!trace_who_get(ring, number, &who));
	trace_who_address(ring, number, "192.0.2.1:1000", "192.0.2.2:3260");
	ck_assert(trace_who_get(ring, number, &who));
	ck_assert(who.is_connection && !who.is_named);
	ck_assert_str_eq(who.peer, "192.0.2.1:1000");
	trace_who_name(ring, number, &(struct pr_nexus_id){.initiator_name = "iqn.test:a"}, NULL);
	ck_assert(trace_who_get(ring, number, &who));
	ck_assert(who.is_connection && who.is_named);
	ck_assert_str_eq(who.target, "");
	trace_ring_free(&ring);
}
END_TEST

/* ---- what the device server tells -------------------------------------------------------------
 */

struct told {
	struct trace_ring *ring;
	struct fixture *fixture;
	struct scsi_nexus *a, *b;
	struct trace_cursor cursor;
};

static struct told tell(void)
{
	struct told told = {.ring = new_ring(4096)};
	struct fixture_config config = {.trace = told.ring};

	told.fixture = fixture_create(&config);
	told.a = fixture_login(told.fixture, 'a');
	told.b = fixture_login(told.fixture, 'b');
	told.cursor = trace_newest(told.ring);
	return told;
}

static void tell_end(struct told *told)
{
	fixture_free(&told->fixture);
	trace_ring_free(&told->ring);
}

/* The next event of that kind. */
static struct trace_event next_of(struct told *told, enum trace_kind kind)
{
	struct trace_event event = {0};
	uint64_t lost = 0;

	while (trace_next(told->ring, &told->cursor, &lost, &event))
		if (event.kind == kind)
			return event;
	ck_abort_msg("there is no event of kind %d", (int)kind);
	return event;
}

START_TEST(a_command_is_told_with_nexus_cdb_and_status)
{
	struct told told = tell();
	struct trace_pr_out out;
	struct trace_who who;

	fixture_good(fixture_write(told.fixture, told.a, 3, 1, 0x55));
	struct trace_event event = next_of(&told, TRACE_COMMAND);
	ck_assert(trace_read_command(&event, &out));
	ck_assert_uint_eq(out.command.cdb[0], 0x2a);
	ck_assert_uint_eq(out.command.status, SCSI_STATUS_GOOD);
	ck_assert_uint_eq(out.command.flags, TRACE_COMMAND_ANSWERED);
	ck_assert_uint_eq(out.command.data_out, FIXTURE_BLOCK);
	ck_assert_uint_eq(out.command.lun, 0);
	ck_assert(trace_who_get(told.ring, event.who, &who));
	ck_assert_str_eq(who.nexus.initiator_name, scsi_nexus_id(told.a)->initiator_name);
	ck_assert_str_eq(who.target, FIXTURE_TARGET);
	tell_end(&told);
}
END_TEST

START_TEST(what_only_counts_in_prgeneration_is_told_without_a_record)
{
	struct told told = tell();
	struct trace_pr_change change;

	fixture_good(fixture_register(told.fixture, told.a, 0, 0xa));
	next_of(&told, TRACE_PR_CHANGE);
	fixture_good(fixture_register(told.fixture, told.a, 0xa, 0xa));
	struct trace_event event = next_of(&told, TRACE_PR_CHANGE);
	ck_assert(trace_read_pr_change(&event, &change));
	ck_assert_uint_eq(change.record, 0);
	ck_assert_uint_eq(change.generation, 2);
	tell_end(&told);
}
END_TEST

START_TEST(a_conflict_names_rule_holder_key_and_record)
{
	struct told told = tell();
	struct trace_conflict conflict;
	struct trace_pr_change change;
	struct trace_pr_out out;

	fixture_good(fixture_register(told.fixture, told.a, 0, 0xa));
	fixture_good(fixture_pr_out(told.fixture, told.a, PR_OUT_RESERVE, 1, 0xa, 0, 0));
	next_of(&told, TRACE_PR_CHANGE);
	struct trace_event event = next_of(&told, TRACE_PR_CHANGE);
	ck_assert(trace_read_pr_change(&event, &change));
	ck_assert_uint_eq(change.action, PR_OUT_RESERVE);
	ck_assert_uint_eq(change.type, PR_TYPE_WRITE_EXCLUSIVE);
	ck_assert_uint_eq(change.registrations, 1);

	fixture_conflict(fixture_write(told.fixture, told.b, 0, 1, 0x55));
	event = next_of(&told, TRACE_CONFLICT);
	ck_assert(trace_read_conflict(&event, &conflict));
	ck_assert_uint_eq(conflict.conflict, PR_CONFLICT_ACCESS);
	ck_assert_uint_eq(conflict.type, PR_TYPE_WRITE_EXCLUSIVE);
	ck_assert_uint_eq(conflict.standing, PR_STANDING_STRANGER);
	ck_assert_uint_eq(conflict.holder_key, 0xa);
	ck_assert_uint_eq(conflict.record, change.record);
	ck_assert_str_eq(conflict.holder, scsi_nexus_id(told.a)->initiator_name);
	event = next_of(&told, TRACE_COMMAND);
	ck_assert(trace_read_command(&event, &out));
	ck_assert_uint_eq(out.command.status, SCSI_STATUS_RESERVATION_CONFLICT);
	ck_assert_uint_eq(out.command.tag, conflict.tag);
	tell_end(&told);
}
END_TEST

static enum pr_conflict conflict_after(struct told *told)
{
	struct trace_event event = next_of(told, TRACE_CONFLICT);
	struct trace_conflict conflict;

	ck_assert(trace_read_conflict(&event, &conflict));
	return (enum pr_conflict)conflict.conflict;
}

START_TEST(every_conflict_has_its_own_reason)
{
	struct told told = tell();
	struct fixture *f = told.fixture;

	fixture_conflict(fixture_pr_out(f, told.a, PR_OUT_RESERVE, 1, 0xa, 0, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_NOT_REGISTERED);
	fixture_good(fixture_register(f, told.a, 0, 0xa));
	fixture_conflict(fixture_pr_out(f, told.a, PR_OUT_RESERVE, 1, 0xdead, 0, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_KEY);
	fixture_conflict(fixture_pr_out(f, told.a, PR_OUT_PREEMPT, 1, 0xa, 0xdead, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_NO_SUCH_KEY);
	fixture_conflict(FIXTURE_CDB(f, told.b, 0, 0x16, 0, 0, 0, 0, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_SPC2_REFUSED);
	fixture_good(fixture_pr_out(f, told.a, PR_OUT_RESERVE, 1, 0xa, 0, 0));
	fixture_conflict(fixture_pr_out(f, told.a, PR_OUT_RESERVE, 3, 0xa, 0, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_RESERVED);
	fixture_conflict(fixture_pr_out(f, told.b, PR_OUT_CLEAR, 0, 0, 0, 0));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_ACTION);
	fixture_good(fixture_pr_out(f, told.a, PR_OUT_CLEAR, 0, 0xa, 0, 0));
	fixture_good(FIXTURE_CDB(f, told.a, 0, 0x16, 0, 0, 0, 0, 0));
	fixture_conflict(fixture_write(f, told.b, 0, 1, 0x55));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_SPC2_OWNER);
	fixture_conflict(fixture_register(f, told.b, 0, 0xb));
	ck_assert_int_eq(conflict_after(&told), PR_CONFLICT_SPC2_BESIDE);
	fixture_good(FIXTURE_CDB(f, told.a, 0, 0x17, 0, 0, 0, 0, 0));
	tell_end(&told);
}
END_TEST

START_TEST(a_unit_attention_is_told_when_it_is_raised_and_when_it_is_reported)
{
	struct told told = tell();
	struct trace_unit_attention attention;

	fixture_good(fixture_register(told.fixture, told.a, 0, 0xa));
	fixture_good(fixture_register(told.fixture, told.b, 0, 0xb));
	fixture_good(fixture_pr_out(told.fixture, told.a, PR_OUT_CLEAR, 0, 0xa, 0, 0));
	struct trace_event event = next_of(&told, TRACE_UNIT_ATTENTION);
	ck_assert(trace_read_unit_attention(&event, &attention));
	ck_assert_uint_eq(attention.tag, TRACE_NO_TAG);
	ck_assert_uint_eq(attention.asc, 0x2a);
	ck_assert_uint_eq(attention.ascq, 0x03);
	fixture_test_unit_ready(told.fixture, told.b);
	event = next_of(&told, TRACE_UNIT_ATTENTION);
	ck_assert(trace_read_unit_attention(&event, &attention));
	ck_assert_uint_ne(attention.tag, TRACE_NO_TAG);
	tell_end(&told);
}
END_TEST

START_TEST(a_pr_out_is_told_with_its_keys)
{
	struct told told = tell();
	struct trace_pr_out out;

	fixture_good(fixture_register(told.fixture, told.a, 0, 0xa11ce));
	struct trace_event event = next_of(&told, TRACE_COMMAND);
	ck_assert(trace_read_command(&event, &out));
	ck_assert(out.command.flags & TRACE_COMMAND_HAS_LIST);
	ck_assert_uint_eq(out.reservation_key, 0);
	ck_assert_uint_eq(out.service_action_key, 0xa11ce);
	tell_end(&told);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, what_was_put_is_read_in_order);
	tcase_add_test(tcase, a_full_ring_forgets_the_oldest_and_counts_them);
	tcase_add_test(tcase, a_reader_at_the_end_sees_only_what_comes);
	tcase_add_test(tcase, a_slow_reader_is_told_exactly_how_many_it_missed);
	tcase_add_test(tcase, an_event_larger_than_half_the_ring_is_left_out);
	tcase_add_test(tcase, a_clock_that_is_set_back_keeps_events_in_order);
	tcase_add_test(tcase, a_capture_gets_every_event_and_whole_pdus);
	tcase_add_test(tcase, without_a_ring_nothing_is_kept_and_nothing_breaks);
	tcase_add_test(tcase, who_has_gone_is_known_for_a_while);
	tcase_add_test(tcase, an_old_number_never_names_whoever_came_later);
	tcase_add_test(tcase, a_connection_has_addresses_and_gets_a_name);
	tcase_add_test(tcase, a_command_is_told_with_nexus_cdb_and_status);
	tcase_add_test(tcase, what_only_counts_in_prgeneration_is_told_without_a_record);
	tcase_add_test(tcase, a_conflict_names_rule_holder_key_and_record);
	tcase_add_test(tcase, every_conflict_has_its_own_reason);
	tcase_add_test(tcase, a_unit_attention_is_told_when_it_is_raised_and_when_it_is_reported);
	tcase_add_test(tcase, a_pr_out_is_told_with_its_keys);
}

int main(void)
{
	return suite_run("trace", fill);
}
