/*
 * Targets, LUNs and nexuses coming and going.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

static struct fixture *f;
static struct scsi_nexus *to_close;
static unsigned closings;

static void setup(void)
{
	closings = 0;
	f = fixture_create(&(struct fixture_config){.luns = 2});
}

static void teardown(void)
{
	fixture_free(&f);
}

/* ---- nexuses ---- */

START_TEST(a_nexus_is_open_once)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 1);
	struct scsi_nexus *a = fixture_login(f, 'a');

	errno = 0;
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, EEXIST);
	fixture_logout(f, a);
	ck_assert_ptr_nonnull(fixture_login(f, 'a'));
}
END_TEST

START_TEST(isid_and_port_make_another_nexus)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 1);

	fixture_login(f, 'a');
	fixture_login_port(f, 'a', 2);
	id.isid[5]++;
	ck_assert_ptr_nonnull(scsi_nexus_open(f->target, &id));
}
END_TEST

START_TEST(bytes_behind_the_name_make_no_difference)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 1);

	fixture_login(f, 'a');
	memset(id.initiator_name + strlen(id.initiator_name) + 1, 0xee, 20);
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, EEXIST);
}
END_TEST

START_TEST(bad_identities_are_refused)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 3);

	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, ENOENT);
	id = fixture_nexus_id('a', 0);
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, ENOENT);
	id = fixture_nexus_id('a', 1);
	id.initiator_name[0] = '\0';
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, EINVAL);
	memset(id.initiator_name, 'n', sizeof(id.initiator_name));
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(closing_lets_waiting_writes_go_silently)
{
	struct fixture_task *write = fixture_start_write(f, fixture_login(f, 'a'), 0, 1, true);
	bool closed;

	fixture_drop(write->task.nexus, &closed);
	ck_assert(closed);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	ck_assert(!fixture_result(write)->send_status);
	ck_assert(scsi_target_idle(f->target));
}
END_TEST

START_TEST(a_closed_nexus_stays_until_its_commands_have_let_go)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 1);
	struct scsi_nexus *a = fixture_login(f, 'a');
	bool closed;

	f->disks[1].hold = true;
	f->lun = 1;
	struct fixture_task *read = fixture_start_read(f, a, 0);
	fixture_drop(a, &closed);
	ck_assert(!closed);
	ck_assert_ptr_null(scsi_nexus_open(f->target, &id));
	ck_assert_int_eq(errno, EEXIST);
	test_disk_release(&f->disks[1]);
	ck_assert_int_eq(read->state, FIXTURE_ABORTED);
	ck_assert(closed);
	ck_assert_ptr_nonnull(fixture_login(f, 'a'));
}
END_TEST

START_TEST(a_closed_nexus_does_not_wait_for_the_commands_of_others)
{
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');
	bool closed_a, closed_b;

	f->disks[0].hold = true;
	fixture_start_read(f, a, 0);
	fixture_drop(a, &closed_a);
	fixture_drop(b, &closed_b);
	ck_assert(!closed_a);
	ck_assert(closed_b);
	test_disk_release(&f->disks[0]);
	ck_assert(closed_a);
	ck_assert_ptr_null(fixture_lun(f)->drains);
}
END_TEST

START_TEST(unit_attentions_end_with_the_session)
{
	struct scsi_nexus *a = fixture_login(f, 'a');

	scsi_lun_raise(fixture_lun(f), SCSI_UA_CAPACITY_CHANGED, NULL);
	fixture_logout(f, a);
	fixture_good(fixture_test_unit_ready(f, fixture_login(f, 'a')));
}
END_TEST

START_TEST(registrations_and_standing_survive_the_session)
{
	struct scsi_nexus *a = fixture_login(f, 'a');

	fixture_hold(f, a, 0xa, PR_TYPE_EXCLUSIVE_ACCESS);
	fixture_logout(f, a);
	fixture_conflict(fixture_read(f, fixture_login(f, 'b'), 0, 1));
	fixture_good(fixture_read(f, fixture_login(f, 'a'), 0, 1));
	fixture_check(f);
}
END_TEST

/* ---- the transport closes from inside a callback ---- */

static void note_closing(void *context)
{
	(void)context;
	closings++;
}

static void close_from_complete(struct scsi_task *task)
{
	(void)task;
	scsi_nexus_close(to_close, SCSI_NEXUS_LOSS, note_closing, NULL);
}

static void close_from_aborted(struct scsi_task *task, bool send_status)
{
	(void)send_status;
	close_from_complete(task);
}

START_TEST(a_nexus_can_be_closed_when_its_own_command_completes)
{
	static const struct scsi_task_ops ops = {.complete = close_from_complete};
	struct scsi_task task = {.nexus = fixture_login(f, 'a'), .ops = &ops};

	to_close = task.nexus;
	target_execute(&task);
	ck_assert_uint_eq(closings, 1);
	target_task_release(&task);
}
END_TEST

static void want_nothing(struct scsi_task *task)
{
	(void)task;
}

START_TEST(another_nexus_can_be_closed_when_a_command_is_aborted)
{
	static const struct scsi_task_ops ops = {.want_data = want_nothing,
						 .aborted = close_from_aborted};
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct scsi_task task = {.nexus = a,
				 .ops = &ops,
				 .cdb = {0x2a, [8] = 1},
				 .cdb_len = 16,
				 .expected_out = FIXTURE_BLOCK};
	bool closed;

	to_close = fixture_login(f, 'b');
	fixture_start_write(f, to_close, 0, 1, true);
	target_execute(&task);
	fixture_drop(a, &closed);
	ck_assert(closed);
	ck_assert_uint_eq(closings, 1);
	target_task_release(&task);
}
END_TEST

/* ---- LUNs ---- */

START_TEST(luns_have_their_own_lasting_identities)
{
	char serial[33];
	uint8_t naa[8];

	memcpy(serial, scsi_target_lun(f->target, 0)->serial, sizeof(serial));
	memcpy(naa, scsi_target_lun(f->target, 0)->naa, sizeof(naa));
	ck_assert_uint_eq(naa[0] >> 4, 3);
	ck_assert_uint_eq(strlen(serial), 32);
	ck_assert_str_ne(serial, scsi_target_lun(f->target, 1)->serial);
	ck_assert_mem_ne(naa, scsi_target_lun(f->target, 1)->naa, sizeof(naa));
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_str_eq(serial, scsi_target_lun(f->target, 0)->serial);
	ck_assert_mem_eq(naa, scsi_target_lun(f->target, 0)->naa, sizeof(naa));
}
END_TEST

static int add(const struct scsi_lun_config *config)
{
	return scsi_target_add_lun(f->target, config, NULL);
}

START_TEST(bad_lun_settings_are_refused)
{
	struct test_disk disk;
	struct scsi_lun_config good;

	test_disk_init(&disk, 1 << 20);
	scsi_lun_config_init(&good);
	good.number = 5;
	good.backing = &disk.backing;

	struct scsi_lun_config config = good;
	config.number = 256;
	ck_assert_int_eq(add(&config), -EINVAL);
	config = good;
	config.number = 0;
	ck_assert_int_eq(add(&config), -EEXIST);
	config = good;
	config.backing = NULL;
	ck_assert_int_eq(add(&config), -EINVAL);
	config = good;
	config.block_size = 1024;
	ck_assert_int_eq(add(&config), -EINVAL);
	config = good;
	config.registrations_max = 0;
	ck_assert_int_eq(add(&config), -EINVAL);
	config.registrations_max = 65537;
	ck_assert_int_eq(add(&config), -EINVAL);
	config = good;
	config.history_max = 4097;
	ck_assert_int_eq(add(&config), -EINVAL);
	config = good;
	config.physical_exponent = 16;
	ck_assert_int_eq(add(&config), -EINVAL);
	ck_assert_int_eq(add(&good), 0);
	fixture_free(&f);
	test_disk_clear(&disk);
	setup();
}
END_TEST

START_TEST(a_lun_added_later_is_there_for_who_is_logged_in)
{
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct test_disk disk;
	struct scsi_lun_config config;

	test_disk_init(&disk, 1 << 20);
	scsi_lun_config_init(&config);
	config.number = 5;
	config.backing = &disk.backing;
	ck_assert_int_eq(add(&config), 0);
	fixture_sense(fixture_test_unit_ready(f, a), 6, 0x3f, 0x0e);
	f->lun = 5;
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_write(f, a, 0, 1, 9));
	fixture_free(&f);
	ck_assert_uint_eq(disk.bytes[0], 9);
	test_disk_clear(&disk);
	setup();
}
END_TEST

static uint64_t no_clock(void *context)
{
	(void)context;
	return 0;
}

START_TEST(bad_target_settings_are_refused)
{
	const struct scsi_target_config good = {.name = "iqn.2026-01.test:t",
						.ports = {1, 2},
						.port_count = 2,
						.executor = f->executor,
						.clock = no_clock};
	struct scsi_target_config config = good;

	config.name = "";
	ck_assert_ptr_null(scsi_target_create(&config));
	config = good;
	config.port_count = 0;
	ck_assert_ptr_null(scsi_target_create(&config));
	config.port_count = SCSI_PORTS_MAX + 1;
	ck_assert_ptr_null(scsi_target_create(&config));
	config = good;
	config.ports[1] = 1;
	ck_assert_ptr_null(scsi_target_create(&config));
	config.ports[1] = 0;
	ck_assert_ptr_null(scsi_target_create(&config));
	struct scsi_target *target = scsi_target_create(&good);
	ck_assert_ptr_nonnull(target);
	ck_assert(scsi_target_has_port(target, 2));
	ck_assert(!scsi_target_has_port(target, 3));
	scsi_target_free(&target);
	ck_assert_ptr_null(target);
}
END_TEST

START_TEST(many_nexuses_are_found_again)
{
	struct pr_nexus_id id = fixture_nexus_id('m', 1);

	for (unsigned i = 0; i < 2000; i++) {
		id.isid[0] = (uint8_t)(i >> 8);
		id.isid[1] = (uint8_t)i;
		ck_assert_ptr_nonnull(scsi_nexus_open(f->target, &id));
	}
	id.isid[0] = 3;
	id.isid[1] = 77;
	struct scsi_nexus *found = scsi_target_find_nexus(f->target, &id);
	ck_assert_ptr_nonnull(found);
	ck_assert(pr_nexus_id_equal(scsi_nexus_id(found), &id));
	id.isid[0] = 0xff;
	ck_assert_ptr_null(scsi_target_find_nexus(f->target, &id));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_nexus_is_open_once);
	tcase_add_test(tcase, isid_and_port_make_another_nexus);
	tcase_add_test(tcase, bytes_behind_the_name_make_no_difference);
	tcase_add_test(tcase, bad_identities_are_refused);
	tcase_add_test(tcase, closing_lets_waiting_writes_go_silently);
	tcase_add_test(tcase, a_closed_nexus_stays_until_its_commands_have_let_go);
	tcase_add_test(tcase, a_closed_nexus_does_not_wait_for_the_commands_of_others);
	tcase_add_test(tcase, unit_attentions_end_with_the_session);
	tcase_add_test(tcase, registrations_and_standing_survive_the_session);
	tcase_add_test(tcase, a_nexus_can_be_closed_when_its_own_command_completes);
	tcase_add_test(tcase, another_nexus_can_be_closed_when_a_command_is_aborted);
	tcase_add_test(tcase, luns_have_their_own_lasting_identities);
	tcase_add_test(tcase, bad_lun_settings_are_refused);
	tcase_add_test(tcase, a_lun_added_later_is_there_for_who_is_logged_in);
	tcase_add_test(tcase, bad_target_settings_are_refused);
	tcase_add_test(tcase, many_nexuses_are_found_again);
}

int main(void)
{
	return suite_run("target/nexus", fill);
}
