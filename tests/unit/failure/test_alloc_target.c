/*
 * No memory while a target, its LUNs and its nexuses come into being.
 */
#include <errno.h>
#include <string.h>

#include "target/lun.h"
#include "tests/support/target_fixture.h"
#include "tests/unit/failure/inject.h"

#define NEW_LUN 3

static uint64_t clock_ms(void *context)
{
	(void)context;
	return 1000;
}

static struct scsi_target *target_try(struct scsi_executor *executor)
{
	struct scsi_target_config config = {
		.name = FIXTURE_TARGET,
		.ports = {1, 2},
		.port_count = 2,
		.executor = executor,
		.clock = clock_ms,
	};

	errno = 0;
	return scsi_target_create(&config);
}

static void create_target(void)
{
	inject_on();
	struct scsi_executor *executor = scsi_executor_create(0);
	if (inject_off()) {
		ck_assert_ptr_null(executor);
		ck_assert(errno == ENOMEM || errno == EMFILE);
		executor = scsi_executor_create(0);
	}
	ck_assert_ptr_nonnull(executor);
	inject_on();
	struct scsi_target *target = target_try(executor);
	if (inject_off()) {
		ck_assert_ptr_null(target);
		ck_assert_int_eq(errno, ENOMEM);
		target = target_try(executor);
	}
	ck_assert_ptr_nonnull(target);
	scsi_target_free(&target);
	scsi_executor_free(&executor);
}

static void executor_with_threads(void)
{
	inject_on();
	struct scsi_executor *executor = scsi_executor_create(3);
	if (inject_off()) {
		ck_assert_ptr_null(executor);
		ck_assert(errno == ENOMEM || errno == EMFILE || errno == EAGAIN);
		executor = scsi_executor_create(3);
	}
	ck_assert_ptr_nonnull(executor);
	scsi_executor_free(&executor);
}

static void memory_backing(void)
{
	struct backing *backing = NULL;

	inject_on();
	int error = backing_memory_open(1 << 20, &backing);
	if (inject_off()) {
		ck_assert_int_eq(error, -ENOMEM);
		ck_assert_ptr_null(backing);
		error = backing_memory_open(1 << 20, &backing);
	}
	ck_assert_int_eq(error, 0);
	backing->ops->close(backing);
}

/* ---- LUNs ---- */

static int lun_try(struct fixture *f, struct test_disk *disk, struct test_store *store,
		   struct pr_journal_report *ret_report)
{
	struct scsi_lun_config config;

	scsi_lun_config_init(&config);
	config.number = NEW_LUN;
	config.backing = &disk->backing;
	config.store = &store->store;
	config.registrations_max = 64;
	return scsi_target_add_lun(f->target, &config, ret_report);
}

static void expect_no_lun(struct fixture *f, struct scsi_nexus *nexus, int error,
			  const struct pr_journal_report *report)
{
	ck_assert_int_eq(error, -ENOMEM);
	ck_assert_ptr_null(scsi_target_lun(f->target, NEW_LUN));
	ck_assert_ptr_null(nexus->luns[NEW_LUN]);
	/* The journal says so, or says nothing and leaves it to the error. */
	if (report->health == PR_JOURNAL_INVALID)
		ck_assert_str_eq(report->explanation, "");
	else
		ck_assert_msg(strstr(report->explanation, "out of memory") != NULL, "says: \"%s\"",
			      report->explanation);
}

static void add_lun_over(struct fixture *f, struct scsi_nexus *a, struct test_disk *disk,
			 struct test_store *store)
{
	struct pr_journal_report report;

	inject_on();
	int error = lun_try(f, disk, store, &report);
	/* A history that is shorter for want of memory is no reason to refuse the LUN. */
	if (inject_off() && error != 0) {
		expect_no_lun(f, a, error, &report);
		fixture_good(fixture_test_unit_ready(f, a));
		error = lun_try(f, disk, store, &report);
	}
	ck_assert_int_eq(error, 0);
	ck_assert_ptr_nonnull(a->luns[NEW_LUN]);
	f->lun = NEW_LUN;
	fixture_drain_unit_attentions(f, a);
	fixture_good(fixture_write(f, a, 0, 1, 0x33));
}

static void add_lun(void)
{
	struct fixture *f = fixture_create(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct test_store store;
	struct test_disk disk;

	fixture_login(f, 'b');
	test_store_init(&store);
	test_disk_init(&disk, 64 * FIXTURE_BLOCK);
	add_lun_over(f, a, &disk, &store);
	f->lun = 0;
	fixture_free(&f);
	test_store_clear(&store);
	test_disk_clear(&disk);
}

/* The journal of LUN 3 with three registrations and a reservation of a. */
static void fill_store(struct test_store *store)
{
	struct fixture *f = fixture_create(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct pr_journal_report report;
	struct test_disk disk;

	test_disk_init(&disk, 64 * FIXTURE_BLOCK);
	ck_assert_int_eq(lun_try(f, &disk, store, &report), 0);
	f->lun = NEW_LUN;
	fixture_drain_unit_attentions(f, a);
	for (char who = 'b'; who <= 'c'; who++)
		fixture_good(
			fixture_pr_out(f, fixture_login(f, who), PR_OUT_REGISTER, 0, 0, 0xb, 0x01));
	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, 0xa, 0x01));
	fixture_good(fixture_pr_out(f, a, PR_OUT_RESERVE, 3, 0xa, 0, 0));
	f->lun = 0;
	fixture_free(&f);
	test_disk_clear(&disk);
}

static void add_lun_with_a_journal(void)
{
	struct pr_nexus_id id_a = fixture_nexus_id('a', 1);
	struct test_store store;
	struct test_disk disk;

	test_store_init(&store);
	test_disk_init(&disk, 64 * FIXTURE_BLOCK);
	fill_store(&store);
	struct fixture *f = fixture_create(NULL);
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct scsi_nexus *b = fixture_login(f, 'b');
	add_lun_over(f, a, &disk, &store);
	ck_assert_uint_eq(fixture_registrations(f), 3);
	ck_assert(fixture_holds(f, &id_a));
	fixture_drain_unit_attentions(f, b);
	fixture_conflict(fixture_read(f, b, 0, 1));
	fixture_check(f);
	f->lun = 0;
	fixture_free(&f);
	test_store_clear(&store);
	test_disk_clear(&disk);
}

/* ---- nexuses ---- */

static void open_nexus(void)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.luns = 3});
	struct pr_nexus_id id = fixture_nexus_id('b', 2);
	struct scsi_nexus *a = fixture_login(f, 'a');

	inject_on();
	struct scsi_nexus *b = scsi_nexus_open(f->target, &id);
	if (inject_off()) {
		ck_assert_ptr_null(b);
		ck_assert_int_eq(errno, ENOMEM);
		b = scsi_nexus_open(f->target, &id);
	}
	ck_assert_ptr_nonnull(b);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_good(fixture_test_unit_ready(f, b));
	fixture_check(f);
	fixture_free(&f);
}

/* The very first one makes the table that they are found by. */
static void open_first_nexus(void)
{
	struct fixture *f = fixture_create(NULL);
	struct pr_nexus_id id = fixture_nexus_id('a', 1);

	inject_on();
	struct scsi_nexus *a = scsi_nexus_open(f->target, &id);
	if (inject_off()) {
		ck_assert_ptr_null(a);
		ck_assert_int_eq(errno, ENOMEM);
		a = scsi_nexus_open(f->target, &id);
	}
	ck_assert_ptr_nonnull(a);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_free(&f);
}

/* Enough of them that the table grows on the way. */
static void open_many_nexuses(void)
{
	struct fixture *f = fixture_create(NULL);
	unsigned open = 0;

	for (uint16_t port = 1; port <= 2; port++)
		for (char who = 'A'; who <= 'z'; who++) {
			struct pr_nexus_id id = fixture_nexus_id(who, port);
			inject_on();
			struct scsi_nexus *nexus = scsi_nexus_open(f->target, &id);
			if (inject_off() && !nexus)
				nexus = scsi_nexus_open(f->target, &id);
			ck_assert_ptr_nonnull(nexus);
			open++;
		}
	ck_assert_uint_eq(HASH_COUNT(f->target->nexuses), open);
	fixture_free(&f);
}

START_TEST(targets_come_about_or_not)
{
	inject_each("create-target", create_target);
	inject_each("executor-with-threads", executor_with_threads);
	inject_each("memory-backing", memory_backing);
}
END_TEST

START_TEST(luns_come_online_whole_or_not_at_all)
{
	inject_each("add-lun", add_lun);
	inject_each("add-lun-with-a-journal", add_lun_with_a_journal);
}
END_TEST

START_TEST(nexuses_open_or_not)
{
	inject_each("open-nexus", open_nexus);
	inject_each("open-first-nexus", open_first_nexus);
	inject_each("open-many-nexuses", open_many_nexuses);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, targets_come_about_or_not);
	tcase_add_test(tcase, luns_come_online_whole_or_not_at_all);
	tcase_add_test(tcase, nexuses_open_or_not);
}

int main(void)
{
	return suite_run("alloc_target", fill);
}
