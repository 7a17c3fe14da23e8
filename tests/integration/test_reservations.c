/* Persistent reservations over the wire, two and more initiators against the real daemon. */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#include "pr_engine/types.h"

#define A     "iqn.2026-11.test:a"
#define B     "iqn.2026-11.test:b"
#define C     "iqn.2026-11.test:c"
#define KEY_A 0xaaaaaaaaaaaaaaaaULL
#define KEY_B 0xbbbbbbbbbbbbbbbbULL

static const char *const spc4[] = {"--profile", "spc4", NULL};

struct lab {
	struct daemon daemon;
	struct iscsi_context *a, *b;
};

static struct iscsi_context *join(struct lab *lab, const char *name)
{
	struct iscsi_context *initiator = initiator_login(&lab->daemon, name, 1);
	ck_assert_int_eq(initiator_drain(initiator, 0), SCSI_STATUS_GOOD);
	return initiator;
}

static void lab_start(struct lab *lab, const char *const *args)
{
	daemon_start(&lab->daemon, "127.0.0.1:0", args);
	lab->a = join(lab, A);
	lab->b = join(lab, B);
}

static void lab_end(struct lab *lab)
{
	initiator_logout(&lab->a);
	initiator_logout(&lab->b);
	daemon_finish(&lab->daemon);
}

static void registers(struct iscsi_context *initiator, uint64_t key, bool aptpl)
{
	ck_assert_int_eq(initiator_pr_out(initiator, 0, PR_OUT_REGISTER, 0, 0, key, aptpl).status,
			 SCSI_STATUS_GOOD);
}

static void reserves(struct iscsi_context *initiator, uint64_t key, int type)
{
	ck_assert_int_eq(initiator_pr_out(initiator, 0, PR_OUT_RESERVE, type, key, 0, false).status,
			 SCSI_STATUS_GOOD);
}

static int write_status(struct iscsi_context *initiator)
{
	uint8_t block[512] = {1};
	return initiator_write(initiator, 0, 5, block, 1).status;
}

static int read_status(struct iscsi_context *initiator)
{
	uint8_t block[512];
	return initiator_read(initiator, 0, 5, block, 1);
}

START_TEST(every_type_lets_through_what_its_row_says)
{
	/* Expected of a stranger and of a registrant: read, write. 1 = may. */
	static const struct {
		int type;
		bool stranger_reads, registrant_reads, registrant_writes;
	} rows[] = {{1, true, true, false}, {3, false, false, false}, {5, true, true, true},
		    {6, false, true, true}, {7, true, true, true},    {8, false, true, true}};
	struct lab lab;
	lab_start(&lab, spc4);
	registers(lab.a, KEY_A, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int conflict = SCSI_STATUS_RESERVATION_CONFLICT;
		reserves(lab.a, KEY_A, rows[i].type);
		ck_assert_int_eq(read_status(lab.a), 0);
		ck_assert_int_eq(write_status(lab.a), 0);
		ck_assert_int_eq(read_status(lab.b), rows[i].stranger_reads ? 0 : conflict);
		ck_assert_int_eq(write_status(lab.b), conflict);
		registers(lab.b, KEY_B, false);
		ck_assert_int_eq(read_status(lab.b), rows[i].registrant_reads ? 0 : conflict);
		ck_assert_int_eq(write_status(lab.b), rows[i].registrant_writes ? 0 : conflict);
		ck_assert_int_eq(
			initiator_pr_out(lab.b, 0, PR_OUT_REGISTER, 0, KEY_B, 0, false).status, 0);
		ck_assert_int_eq(
			initiator_pr_out(lab.a, 0, PR_OUT_RELEASE, rows[i].type, KEY_A, 0, false)
				.status,
			0);
		initiator_drain(lab.b, 0);
	}
	lab_end(&lab);
}
END_TEST

START_TEST(dlt_s4_refuses_exclusive_access_all_registrants)
{
	static const uint8_t capabilities[8] = {0x00, 0x08, 0x11, 0x80, 0x6a, 0x00, 0x00, 0x00};
	struct lab lab;
	lab_start(&lab, NULL);
	struct answer answer = initiator_pr_in(lab.a, 0, PR_IN_REPORT_CAPABILITIES);
	ck_assert_int_eq(answer.data_len, 8);
	ck_assert_mem_eq(answer.data, capabilities, 8);
	registers(lab.a, KEY_A, true);
	answer = initiator_pr_in(lab.a, 0, PR_IN_REPORT_CAPABILITIES);
	ck_assert_int_eq(answer.data[3], 0x81);
	for (int type = 7; type <= 8; type++) {
		answer = initiator_pr_out(lab.a, 0, PR_OUT_RESERVE, type, KEY_A, 0, false);
		ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
		ck_assert_int_eq(answer.key, 5);
		ck_assert_int_eq(answer.asc, 0x24);
	}
	lab_end(&lab);
}
END_TEST

START_TEST(a_reservation_survives_a_kill_and_fences_before_anybody_registers_again)
{
	struct lab lab;
	uint64_t keys[4] = {0}, holder = 0;
	lab_start(&lab, NULL);
	registers(lab.a, KEY_A, true);
	registers(lab.b, KEY_B, true);
	reserves(lab.a, KEY_A, 5);
	daemon_kill(&lab.daemon);
	initiator_cut(&lab.a);
	initiator_cut(&lab.b);
	daemon_restart(&lab.daemon);

	struct iscsi_context *stranger = join(&lab, C);
	ck_assert_int_eq(write_status(stranger), SCSI_STATUS_RESERVATION_CONFLICT);
	ck_assert_int_eq(initiator_read_keys(stranger, 0, keys, 4), 2);
	ck_assert_uint_eq(keys[0], KEY_A);
	ck_assert_uint_eq(keys[1], KEY_B);
	ck_assert_int_eq(initiator_read_reservation(stranger, 0, &holder), 5);
	ck_assert_uint_eq(holder, KEY_A);
	lab.a = join(&lab, A);
	ck_assert_int_eq(write_status(lab.a), 0);
	initiator_logout(&stranger);
	lab_end(&lab);
}
END_TEST

START_TEST(without_aptpl_a_restart_forgets)
{
	struct lab lab;
	uint64_t keys[4];
	lab_start(&lab, NULL);
	registers(lab.a, KEY_A, true);
	reserves(lab.a, KEY_A, 3);
	registers(lab.b, KEY_B, false); /* the latest registration decides for the whole LUN */
	daemon_kill(&lab.daemon);
	initiator_cut(&lab.a);
	initiator_cut(&lab.b);
	daemon_restart(&lab.daemon);
	lab.a = join(&lab, A);
	ck_assert_int_eq(initiator_read_keys(lab.a, 0, keys, 4), 0);
	ck_assert_int_eq(write_status(lab.a), 0);
	lab_end(&lab);
}
END_TEST

START_TEST(preempt_takes_over_and_the_victim_learns_why)
{
	struct lab lab;
	uint64_t holder;
	lab_start(&lab, NULL);
	registers(lab.a, KEY_A, true);
	registers(lab.b, KEY_B, true);
	reserves(lab.a, KEY_A, 5);
	ck_assert_int_eq(
		initiator_pr_out(lab.b, 0, PR_OUT_PREEMPT_AND_ABORT, 6, KEY_B, KEY_A, false).status,
		0);
	ck_assert_int_eq(initiator_read_reservation(lab.b, 0, &holder), 6);
	ck_assert_uint_eq(holder, KEY_B);
	struct answer answer = initiator_test_unit_ready(lab.a, 0);
	ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_int_eq(answer.key, 6);
	ck_assert_int_eq(answer.asc, 0x2a);
	ck_assert_int_eq(answer.ascq, 0x03);
	initiator_drain(lab.a, 0);
	ck_assert_int_eq(write_status(lab.a), SCSI_STATUS_RESERVATION_CONFLICT);
	ck_assert_int_eq(read_status(lab.a), SCSI_STATUS_RESERVATION_CONFLICT);
	lab_end(&lab);
}
END_TEST

START_TEST(a_registration_belongs_to_name_and_isid_not_to_the_session)
{
	struct lab lab;
	lab_start(&lab, NULL);
	registers(lab.a, KEY_A, false);
	reserves(lab.a, KEY_A, 3);
	initiator_logout(&lab.a);
	struct iscsi_context *other_port = initiator_login(&lab.daemon, A, 2);
	initiator_drain(other_port, 0);
	ck_assert_int_eq(write_status(other_port), SCSI_STATUS_RESERVATION_CONFLICT);
	lab.a = join(&lab, A);
	ck_assert_int_eq(write_status(lab.a), 0);
	initiator_logout(&other_port);
	lab_end(&lab);
}
END_TEST

START_TEST(an_spc2_reserve_ends_with_its_connection)
{
	uint8_t reserve[6] = {0x16};
	struct lab lab;
	lab_start(&lab, NULL);
	ck_assert_int_eq(initiator_command(lab.a, 0, reserve, 6, NULL, 0, 0).status, 0);
	ck_assert_int_eq(initiator_test_unit_ready(lab.b, 0).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
	initiator_logout(&lab.a);
	ck_assert_int_eq(initiator_drain(lab.b, 0), 0);
	ck_assert_int_eq(initiator_command(lab.b, 0, reserve, 6, NULL, 0, 0).status, 0);
	lab_end(&lab);
}
END_TEST

START_TEST(sixteen_initiators_register_at_once_and_all_are_kept)
{
	struct lab lab;
	struct iscsi_context *many[16];
	uint64_t keys[32];
	char name[64];
	lab_start(&lab, NULL);
	for (unsigned i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "iqn.2026-11.test:many%u", i);
		many[i] = join(&lab, name);
		registers(many[i], 0x1000 + i, true);
	}
	daemon_kill(&lab.daemon);
	for (unsigned i = 0; i < 16; i++)
		initiator_cut(&many[i]);
	initiator_cut(&lab.a);
	initiator_cut(&lab.b);
	daemon_restart(&lab.daemon);
	lab.a = join(&lab, A);
	ck_assert_int_eq(initiator_read_keys(lab.a, 0, keys, 32), 16);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(keys[i], 0x1000 + i);
	lab_end(&lab);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, every_type_lets_through_what_its_row_says);
	tcase_add_test(tcase, dlt_s4_refuses_exclusive_access_all_registrants);
	tcase_add_test(tcase,
		       a_reservation_survives_a_kill_and_fences_before_anybody_registers_again);
	tcase_add_test(tcase, without_aptpl_a_restart_forgets);
	tcase_add_test(tcase, preempt_takes_over_and_the_victim_learns_why);
	tcase_add_test(tcase, a_registration_belongs_to_name_and_isid_not_to_the_session);
	tcase_add_test(tcase, an_spc2_reserve_ends_with_its_connection);
	tcase_add_test(tcase, sixteen_initiators_register_at_once_and_all_are_kept);
}

int main(void)
{
	return suite_run("integration/reservations", fill);
}
