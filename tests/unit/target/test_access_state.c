/* ALUA: REPORT and SET TARGET PORT GROUPS, and what each state lets through. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/access_state.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a, *b; /* through port 1, port 2 */

static void setup(void)
{
	f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4, .luns = 2});
	a = fixture_login_port(f, 'a', 1);
	b = fixture_login_port(f, 'b', 2);
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *report(struct scsi_nexus *nexus, uint8_t format,
					   uint8_t allocation_length)
{
	return FIXTURE_CDB(f, nexus, 255, 0xa3, (uint8_t)(format << 5 | 0x0a), 0, 0, 0, 0, 0, 0, 0,
			   allocation_length, 0, 0);
}

static const struct fixture_result *set(struct scsi_nexus *nexus, const uint8_t *list, size_t len)
{
	return DISK_OUT(f, nexus, list, len, 0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0, 0);
}

/* By SET TARGET PORT GROUPS for one group. */
static const struct fixture_result *set_one(struct scsi_nexus *nexus, uint16_t group, uint8_t state)
{
	uint8_t list[8] = {0, 0, 0, 0, state};

	put_be16(list + 6, group);
	return set(nexus, list, sizeof(list));
}

static void implicit(uint16_t group, enum scsi_access_state state)
{
	ck_assert(scsi_lun_set_access_state(fixture_lun(f), group, state));
	a->luns[f->lun]->unit_attentions = (struct scsi_ua_queue){0};
	b->luns[f->lun]->unit_attentions = (struct scsi_ua_queue){0};
}

START_TEST(every_port_is_a_group_and_active)
{
	static const uint8_t expected[] = {0, 0, 0,    24,   0x00, 0x8f, 0, 1, 0, 0, 0, 1, 0, 0,
					   0, 1, 0x00, 0x8f, 0,	   2,	 0, 0, 0, 1, 0, 0, 0, 2};
	const struct fixture_result *result = report(a, 0, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, sizeof(expected));
	ck_assert_mem_eq(result->data, expected, sizeof(expected));
	ck_assert_uint_eq(report(a, 0, 6)->len, 6);
}
END_TEST

START_TEST(the_extended_header_is_there_when_asked_for)
{
	const struct fixture_result *result = report(a, 1, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 32);
	ck_assert_uint_eq(get_be32(result->data), 28);
	ck_assert_uint_eq(result->data[4], 0x10);
	ck_assert_uint_eq(result->data[9], 0x8f);
	disk_invalid_cdb(report(a, 2, 255), 1, 7);
}
END_TEST

START_TEST(inquiry_says_both_kinds_of_alua_and_the_group)
{
	ck_assert_uint_eq(FIXTURE_CDB(f, a, 96, 0x12, 0, 0, 0, 96, 0)->data[5] & 0x30, 0x30);
	const struct fixture_result *result = FIXTURE_CDB(f, b, 255, 0x12, 1, 0x83, 0, 255, 0);
	bool found = false;

	for (size_t at = 4; at + 8 <= result->len; at += 4 + (size_t)result->data[at + 3]) {
		if ((result->data[at + 1] & 0x0f) != 5)
			continue;
		found = true;
		ck_assert_uint_eq(get_be16(result->data + at + 6), 2);
	}
	ck_assert(found);
}
END_TEST

START_TEST(an_explicit_change_shows_and_the_others_hear_of_it)
{
	fixture_good(set_one(a, 2, SCSI_ACCESS_STANDBY));
	const struct fixture_result *result = report(a, 0, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->data[16], SCSI_ACCESS_STANDBY);
	ck_assert_uint_eq(result->data[21], 0x01);
	ck_assert_uint_eq(result->data[4], SCSI_ACCESS_ACTIVE_OPTIMIZED);
	ck_assert_uint_eq(result->data[9], 0x00);
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x06);
	fixture_sense(fixture_test_unit_ready(f, b), 0x2, 0x04, 0x0b);
	fixture_good(fixture_test_unit_ready(f, a));
	/* Asked for what is so, nobody hears of it. */
	fixture_good(set_one(a, 2, SCSI_ACCESS_STANDBY));
	fixture_sense(fixture_test_unit_ready(f, b), 0x2, 0x04, 0x0b);
	/* The other LUN stays as it is. */
	f->lun = 1;
	fixture_good(fixture_test_unit_ready(f, b));
}
END_TEST

START_TEST(an_implicit_change_shows_and_all_hear_of_it)
{
	ck_assert(scsi_lun_set_access_state(fixture_lun(f), 1, SCSI_ACCESS_ACTIVE_NON_OPTIMIZED));
	fixture_sense(fixture_test_unit_ready(f, a), 0x6, 0x2a, 0x06);
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x06);
	const struct fixture_result *result = report(a, 0, 255);

	ck_assert_uint_eq(result->data[4], SCSI_ACCESS_ACTIVE_NON_OPTIMIZED);
	ck_assert_uint_eq(result->data[9], 0x02);
	fixture_good(fixture_write(f, a, 0, 1, 'x'));
	ck_assert(!scsi_lun_set_access_state(fixture_lun(f), 3, SCSI_ACCESS_STANDBY));
	ck_assert(!scsi_lun_set_access_state(fixture_lun(f), 1, (enum scsi_access_state)7));
}
END_TEST

START_TEST(several_groups_change_together_or_not_at_all)
{
	uint8_t list[12] = {0, 0, 0, 0, SCSI_ACCESS_STANDBY, 0, 0, 1, SCSI_ACCESS_STANDBY, 0, 0, 3};
	enum scsi_access_state state;

	disk_invalid_parameter(set(a, list, 12), 10, -1);
	ck_assert(scsi_lun_access_state(fixture_lun(f), 1, &state));
	ck_assert_int_eq(state, SCSI_ACCESS_ACTIVE_OPTIMIZED);
	list[11] = 2;
	list[8] = SCSI_ACCESS_TRANSITIONING;
	disk_invalid_parameter(set(a, list, 12), 8, 3);
	list[8] = 0xe; /* offline */
	disk_invalid_parameter(set(a, list, 12), 8, 3);
	fixture_good(fixture_test_unit_ready(f, b));
	list[8] = SCSI_ACCESS_UNAVAILABLE;
	fixture_good(set(a, list, 12));
	fixture_sense(fixture_test_unit_ready(f, a), 0x2, 0x04, 0x0b);
	fixture_sense(fixture_test_unit_ready(f, b), 0x6, 0x2a, 0x06);
	fixture_sense(fixture_test_unit_ready(f, b), 0x2, 0x04, 0x0c);
}
END_TEST

START_TEST(lists_of_a_wrong_length_are_refused)
{
	const uint8_t list[255] = {0};

	fixture_good(set(a, list, 0));
	fixture_good(set(a, list, 4));
	for (size_t len = 1; len < 4; len++)
		fixture_sense(set(a, list, len), 0x5, 0x1a, 0x00);
	fixture_sense(set(a, list, 7), 0x5, 0x1a, 0x00);
	fixture_sense(set(a, list, 4 + 4 * (SCSI_PORTS_MAX + 1)), 0x5, 0x1a, 0x00);
	fixture_sense(DISK_OUT(f, a, list, 4, 0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), 0x5, 0x1a,
		      0x00);
}
END_TEST

/* SPC-4 5.15.2.4.4 to 5.15.2.4.6, typed again; READ CAPACITY and the two REPORT SUPPORTED commands
 * beyond the list in standby. s standby, u unavailable, t transitioning. */
static const char *states_of(const struct scsi_command *row)
{
	switch (row->opcode) {
	case 0x03: /* REQUEST SENSE */
	case 0x12: /* INQUIRY */
	case 0x3b: /* WRITE BUFFER, echo */
	case 0x3c: /* READ BUFFER, echo */
	case 0xa0: /* REPORT LUNS */
		return "sut";
	case 0x15: /* MODE SELECT, MODE SENSE */
	case 0x55:
	case 0x1a:
	case 0x5a:
	case 0x1c: /* RECEIVE DIAGNOSTIC RESULTS, SEND DIAGNOSTIC */
	case 0x1d:
	case 0x25: /* READ CAPACITY(10) */
	case 0x4c: /* LOG SELECT, LOG SENSE */
	case 0x4d:
	case 0x5e: /* PERSISTENT RESERVE */
	case 0x5f:
		return "s";
	case 0x9e:
		return row->service_action == 0x10 ? "s" : "";
	case 0xa3:
		return row->service_action == 0x0a ? "sut" : row->service_action >= 0x0c ? "s" : "";
	case 0xa4:
		return row->service_action == 0x0a ? "su" : "";
	default:
		return "";
	}
}

static bool is_refused_in(const struct scsi_command *row, uint8_t ascq)
{
	uint8_t cdb[SCSI_CDB_MAX] = {row->opcode};

	if (row->service_action != SCSI_NO_SERVICE_ACTION)
		cdb[1] = (uint8_t)row->service_action;
	const struct fixture_command command = {.cdb = cdb, .cdb_len = sizeof(cdb)};
	const struct fixture_result *result = fixture_do(f, a, &command);
	return result->status == SCSI_STATUS_CHECK_CONDITION && result->key == 0x2 &&
	       result->asc == 0x04 && result->ascq == ascq;
}

START_TEST(each_state_refuses_all_but_its_list)
{
	static const struct {
		enum scsi_access_state state;
		char letter;
		uint8_t ascq;
	} states[] = {
		{SCSI_ACCESS_STANDBY, 's', 0x0b},
		{SCSI_ACCESS_UNAVAILABLE, 'u', 0x0c},
		{SCSI_ACCESS_TRANSITIONING, 't', 0x0a},
	};

	for (size_t i = 0; i < 3; i++) {
		for (size_t row = 0; row < scsi_command_count; row++) {
			const struct scsi_command *command = &scsi_commands[row];
			bool allowed = strchr(states_of(command), states[i].letter) != NULL;

			implicit(1, states[i].state);
			ck_assert_msg(is_refused_in(command, states[i].ascq) == !allowed, "%s, %s",
				      command->name, scsi_access_state_name(states[i].state));
		}
	}
}
END_TEST

START_TEST(a_refused_write_asks_for_no_data)
{
	implicit(1, SCSI_ACCESS_STANDBY);
	struct fixture_task *task = fixture_start_write(f, a, 0, 'x', true);

	ck_assert_int_eq(task->state, FIXTURE_COMPLETED);
	ck_assert(disk_is(f, 0, 1, 0));
}
END_TEST

START_TEST(request_sense_tells_the_state)
{
	implicit(1, SCSI_ACCESS_UNAVAILABLE);
	const struct fixture_result *result = FIXTURE_CDB(f, a, 18, 0x03, 0, 0, 0, 18, 0);

	fixture_good(result);
	ck_assert_uint_eq(result->data[2], 0x2);
	ck_assert_uint_eq(result->data[12], 0x04);
	ck_assert_uint_eq(result->data[13], 0x0c);
}
END_TEST

START_TEST(reservations_work_in_standby_and_the_state_comes_first)
{
	fixture_hold(f, b, 0xb, 3);
	implicit(1, SCSI_ACCESS_STANDBY);
	fixture_good(fixture_register(f, a, 0, 0xa));
	fixture_sense(fixture_read(f, a, 0, 1), 0x2, 0x04, 0x0b);
	fixture_good(fixture_pr_out(f, a, PR_OUT_PREEMPT, 3, 0xa, 0xb, 0));
	implicit(1, SCSI_ACCESS_ACTIVE_OPTIMIZED);
	fixture_good(fixture_read(f, a, 0, 1));
	fixture_conflict(fixture_read(f, b, 0, 1));
}
END_TEST

START_TEST(names_are_read_back)
{
	enum scsi_access_state state;

	for (unsigned i = 0; i <= 0xf; i++) {
		const char *name = scsi_access_state_name((enum scsi_access_state)i);

		if (!name)
			continue;
		ck_assert(scsi_access_state_parse(name, &state));
		ck_assert_uint_eq(state, i);
	}
	ck_assert(!scsi_access_state_parse("offline", &state));
}
END_TEST

START_TEST(states_are_active_again_after_power_on)
{
	enum scsi_access_state state;

	implicit(1, SCSI_ACCESS_UNAVAILABLE);
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert(scsi_lun_access_state(fixture_lun(f), 1, &state));
	ck_assert_int_eq(state, SCSI_ACCESS_ACTIVE_OPTIMIZED);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_port_is_a_group_and_active);
	tcase_add_test(tcase, the_extended_header_is_there_when_asked_for);
	tcase_add_test(tcase, inquiry_says_both_kinds_of_alua_and_the_group);
	tcase_add_test(tcase, an_explicit_change_shows_and_the_others_hear_of_it);
	tcase_add_test(tcase, an_implicit_change_shows_and_all_hear_of_it);
	tcase_add_test(tcase, several_groups_change_together_or_not_at_all);
	tcase_add_test(tcase, lists_of_a_wrong_length_are_refused);
	tcase_add_test(tcase, each_state_refuses_all_but_its_list);
	tcase_add_test(tcase, a_refused_write_asks_for_no_data);
	tcase_add_test(tcase, request_sense_tells_the_state);
	tcase_add_test(tcase, reservations_work_in_standby_and_the_state_comes_first);
	tcase_add_test(tcase, names_are_read_back);
	tcase_add_test(tcase, states_are_active_again_after_power_on);
}

int main(void)
{
	return suite_run("target/access_state", fill);
}
