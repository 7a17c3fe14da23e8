/* READs that are answered from where their data lie, and what has them copied after all. */
#include "target/lent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/lease.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define BLOCKS 256

static struct fixture *f;
static struct scsi_nexus *a;
static struct {
	struct backing_ops ops;
	bool writes_at_once;
	int copy_error;
	unsigned lent; /* when it was told to grow */
	bool lends_nothing;
	unsigned loops[SBC_MARK_LOOPS_MAX]; /* how often each has asked */
} store;

static int store_at_once(struct backing *backing, enum backing_op op, uint64_t offset,
			 uint8_t *data, size_t len)
{
	struct test_disk *disk = (struct test_disk *)backing;

	if (op != BACKING_WRITE || !store.writes_at_once)
		return -EAGAIN;
	memcpy(disk->bytes + offset, data, len);
	return 0;
}

static uint8_t *store_lend(struct backing *backing, unsigned loop, uint64_t offset, size_t len)
{
	(void)len;
	store.loops[loop]++;
	return store.lends_nothing ? NULL : ((struct test_disk *)backing)->bytes + offset;
}

static int store_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len)
{
	if (store.copy_error == 0)
		memcpy(data, ((struct test_disk *)backing)->bytes + offset, len);
	return store.copy_error;
}

static int store_grow(struct backing *backing, uint64_t size, uint64_t *ret_size)
{
	store.lent = fixture_lun(f)->lent_count;
	*ret_size = size != 0 ? size : backing->size;
	return 0;
}

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
	memset(&store, 0, sizeof(store));
	store.ops = *f->disks[0].backing.ops;
	store.ops.at_once = store_at_once;
	store.ops.lend = store_lend;
	store.ops.copy_lent = store_copy_lent;
	store.ops.grow = store_grow;
	f->disks[0].backing.ops = &store.ops;
	disk_fill(f, 0, BLOCKS, 'o');
}

static void teardown(void)
{
	fixture_free(&f);
}

static struct fixture_task *start_read(uint8_t lba, uint8_t blocks)
{
	const uint8_t cdb[] = {0x28, 0, 0, 0, 0, lba, 0, 0, blocks, 0};

	return fixture_start(f, a,
			     &(struct fixture_command){.cdb = cdb,
						       .cdb_len = sizeof(cdb),
						       .in_len = (uint32_t)blocks * FIXTURE_BLOCK,
						       .takes_lent = true});
}

/* Its data are those of before, and now its own. */
static void assert_kept(struct fixture_task *read, size_t len)
{
	fixture_good(fixture_result(read));
	ck_assert(!read->task.data_in_lent);
	ck_assert(!read->task.data_in_lost);
	ck_assert_uint_eq(read->task.data_in_len, len);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(read->task.data_in[i], 'o');
}

static void assert_lent(const struct fixture_task *read, uint32_t lba)
{
	ck_assert(read->task.data_in_lent);
	ck_assert_ptr_eq(read->task.data_in, f->disks[0].bytes + (size_t)lba * FIXTURE_BLOCK);
}

START_TEST(a_read_is_answered_from_where_its_data_lie)
{
	struct fixture_task *read = start_read(7, 2);

	fixture_good(fixture_result(read));
	assert_lent(read, 7);
	ck_assert_uint_eq(read->task.data_in_len, 1024);
	ck_assert_uint_eq(read->task.transfer_len, 1024);
	ck_assert_uint_eq(f->disks[0].requests, 0);
	ck_assert_uint_eq(fixture_lun(f)->lent_count, 1);
	fixture_forget(read);
	ck_assert_uint_eq(fixture_lun(f)->lent_count, 0);
}
END_TEST

START_TEST(who_has_not_asked_for_it_gets_a_copy)
{
	struct fixture_task *read = fixture_start_read(f, a, 7);

	fixture_settle(f);
	assert_kept(read, FIXTURE_BLOCK);
	ck_assert_uint_eq(f->disks[0].requests, 1);
}
END_TEST

START_TEST(what_must_come_from_the_medium_is_not_lent)
{
	const uint8_t cdb[] = {0x28, 0x08, 0, 0, 0, 7, 0, 0, 1, 0};
	struct fixture_task *read = fixture_start(f, a,
						  &(struct fixture_command){.cdb = cdb,
									    .cdb_len = sizeof(cdb),
									    .in_len = FIXTURE_BLOCK,
									    .takes_lent = true});

	fixture_settle(f);
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

static uint8_t twice[1024];

static void write_at_once(void)
{
	store.writes_at_once = true;
	fixture_good(fixture_write(f, a, 8, 1, 'n'));
}

static void write_later(void)
{
	fixture_good(fixture_write(f, a, 8, 1, 'n'));
}

static void write_same(void)
{
	fixture_good(DISK_OUT(f, a, twice, 512, 0x41, 0, 0, 0, 0, 8, 0, 0, 1, 0));
}

static void unmap(void)
{
	const uint8_t list[24] = {0, 22, 0, 16, [15] = 8, [19] = 1};

	fixture_good(DISK_OUT(f, a, list, 24, 0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0));
}

static void compare_and_write(void)
{
	memset(twice, 'o', 512);
	memset(twice + 512, 'n', 512);
	fixture_good(
		DISK_OUT(f, a, twice, 1024, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0));
}

static void write_and_verify(void)
{
	memset(twice, 'n', 512);
	fixture_good(DISK_OUT(f, a, twice, 512, 0x2e, 0, 0, 0, 0, 8, 0, 0, 1, 0));
}

static void orwrite(void)
{
	memset(twice, 0xff, 512);
	fixture_good(DISK_OUT(f, a, twice, 512, 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0));
}

static void write_atomic(void)
{
	memset(twice, 'n', 512);
	fixture_good(DISK_OUT(f, a, twice, 512, 0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0));
}

static void (*const changes[])(void) = {write_at_once, write_later,	write_same,
					unmap,	       write_atomic,	compare_and_write,
					orwrite,       write_and_verify};

START_TEST(what_is_changed_later_is_not_seen)
{
	struct fixture_task *read = start_read(7, 3);
	struct fixture_task *elsewhere = start_read(20, 1);

	assert_lent(read, 7);
	changes[_i]();
	ck_assert(!disk_is(f, 8, 1, 'o'));
	assert_kept(read, 3 * FIXTURE_BLOCK);
	assert_lent(elsewhere, 20);
	ck_assert_uint_eq(fixture_lun(f)->lent_count, 1);
}
END_TEST

START_TEST(an_erasure_is_not_seen)
{
	const uint8_t parameters[8] = {0};
	struct fixture_task *read = start_read(7, 3);

	fixture_good(DISK_OUT(f, a, parameters, 0, 0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0));
	fixture_settle(f);
	ck_assert(disk_is(f, 7, 3, 0));
	assert_kept(read, 3 * FIXTURE_BLOCK);
}
END_TEST

START_TEST(far_from_a_write_data_are_lent)
{
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, a, 3, 'w', false);
	struct fixture_task *read = start_read(200, 1);
	assert_lent(read, 200);
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(write));
	assert_lent(read, 200);
}
END_TEST

START_TEST(beside_a_write_nothing_is_lent)
{
	f->disks[0].hold = true;
	struct fixture_task *write = fixture_start_write(f, a, 3, 'w', false);
	struct fixture_task *read = start_read(9, 1);
	ck_assert_uint_eq(fixture_lun(f)->lent_count, 0);
	test_disk_release(&f->disks[0]);
	test_disk_release(&f->disks[0]);
	fixture_good(fixture_result(write));
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(it_is_kept_when_somebody_wants_to_look_at_it)
{
	struct fixture_task *read = start_read(7, 1);

	ck_assert(target_data_in_keep(&read->task));
	assert_kept(read, FIXTURE_BLOCK);
	ck_assert(target_data_in_keep(&read->task));
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(what_cannot_be_copied_any_more_is_lost_and_the_write_goes_on)
{
	struct fixture_task *read = start_read(7, 1);

	store.copy_error = -EIO;
	fixture_good(fixture_write(f, a, 7, 1, 'n'));
	ck_assert(!read->task.data_in_lent);
	ck_assert(read->task.data_in_lost);
	ck_assert_ptr_null(read->task.data_in);
	ck_assert(!target_data_in_keep(&read->task));
}
END_TEST

START_TEST(only_so_many_are_lent)
{
	struct fixture_task *read = NULL;

	for (unsigned i = 0; i < SCSI_LENT_MAX + 1; i++)
		read = start_read((uint8_t)i, 1);
	fixture_settle(f);
	assert_kept(read, FIXTURE_BLOCK);
	ck_assert_uint_eq(fixture_lun(f)->lent_count, SCSI_LENT_MAX);
}
END_TEST

START_TEST(a_store_that_grows_has_lent_nothing)
{
	struct fixture_task *read = start_read(7, 1);

	store.lent = 99;
	ck_assert_int_eq(scsi_target_resize_lun(f->target, 0, 0), 0);
	ck_assert_uint_eq(store.lent, 0);
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(of_a_block_that_is_taken_in_part_no_more_is_lent)
{
	const uint8_t cdb[] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0};
	struct fixture_task *read = fixture_start(
		f, a,
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = sizeof(cdb), .in_len = 600, .takes_lent = true});

	assert_lent(read, 7);
	ck_assert_uint_eq(read->task.data_in_len, 600);
	ck_assert_uint_eq(read->task.transfer_len, 1024);
	ck_assert(target_data_in_keep(&read->task));
	assert_kept(read, 600);
}
END_TEST

/* ---- several loops --------------------------------------------------------------------------- */

/* `a` is at home, `b` on a loop that carries its commands out by itself. */
static struct scsi_nexus *b;

static void have_loops(void)
{
	teardown();
	setenv("HOLDFAST_REMOTE", "1", 1);
	setup();
	f->is_remote = false;
	a = fixture_login(f, 'h');
	f->is_remote = true;
	b = fixture_login(f, 'b');
}

START_TEST(when_another_loop_comes_to_the_medium_what_is_lent_is_kept)
{
	have_loops();
	const struct scsi_lun *lun = scsi_target_lun(f->target, 0);
	struct fixture_task *read = start_read(7, 1);

	assert_lent(read, 7);
	ck_assert_ptr_null(lun->marks);
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert_ptr_nonnull(lun->marks);
	assert_kept(read, FIXTURE_BLOCK);
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

static struct scsi_lun *home(void)
{
	return scsi_target_lun(f->target, 0);
}

/* `b` reads by itself, and so there are marks. */
static void have_a_lease(void)
{
	have_loops();
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert_uint_eq(home()->leases->out, 1);
}

static struct fixture_task *start_read_of_b(uint8_t lba)
{
	struct scsi_nexus *at_home = a;

	a = b;
	struct fixture_task *read = start_read(lba, 1);
	a = at_home;
	return read;
}

START_TEST(loops_that_share_a_medium_lend_too)
{
	have_a_lease();
	struct fixture_task *read = start_read(7, 1), *there = start_read_of_b(7);

	fixture_good(fixture_result(read));
	fixture_good(fixture_result(there));
	assert_lent(read, 7);
	assert_lent(there, 7);
	ck_assert_uint_eq(home()->lent_count, 1);
	ck_assert_uint_ne(store.loops[0], 0);
	ck_assert_uint_ne(store.loops[b->target->loop_number], 0);
	fixture_forget(read);
	fixture_forget(there);
	store.writes_at_once = true;
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	fixture_good(fixture_write(f, a, 7, 1, 'm'));
	ck_assert_uint_eq(home()->leases->out, 1); /* nobody was in anybody's way */
}
END_TEST

/* Its own loop's writes see what is lent, as ever. */
START_TEST(a_loop_is_not_in_its_own_way)
{
	have_a_lease();
	struct fixture_task *read = start_read_of_b(7);

	assert_lent(read, 7);
	store.writes_at_once = true;
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	assert_kept(read, FIXTURE_BLOCK);
	fixture_good(fixture_write(f, a, 7, 1, 'm'));
	ck_assert_uint_eq(home()->leases->out, 1);
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(what_another_loop_lends_is_not_written)
{
	have_a_lease();
	struct fixture_task *read = start_read(7, 1);

	assert_lent(read, 7);
	store.writes_at_once = true;
	f->is_delivering = true; /* nobody comes to help */
	struct fixture_task *write = fixture_start_write(f, b, 7, 'n', false);
	ck_assert_int_ne(write->state, FIXTURE_COMPLETED);
	ck_assert(disk_is(f, 7, 1, 'o'));
	assert_lent(read, 7);
	/* What comes now stands back for it. */
	struct fixture_task *late = start_read(9, 1);
	ck_assert(!late->task.data_in_lent);
	fixture_forget(read);
	f->is_delivering = false;
	fixture_settle(f);
	fixture_good(fixture_result(write));
	ck_assert(disk_is(f, 7, 1, 'n'));
	ck_assert_uint_eq(home()->leases->out, 1);
	fixture_good(fixture_result(late));
	assert_lent(start_read(9, 1), 9);
}
END_TEST

/* A write that has come often enough goes to where the data are lent. */
START_TEST(what_is_lent_at_home_for_long_is_kept_there)
{
	have_a_lease();
	struct fixture_task *read = start_read(7, 1);

	assert_lent(read, 7);
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	ck_assert(disk_is(f, 7, 1, 'n'));
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(before_a_lease_is_returned_what_is_lent_is_kept)
{
	have_a_lease();
	struct fixture_task *read = start_read_of_b(7);

	assert_lent(read, 7);
	fixture_good(fixture_write(f, a, 7, 1, 'n'));
	ck_assert_uint_eq(home()->leases->out, 0);
	ck_assert(disk_is(f, 7, 1, 'n'));
	assert_kept(read, FIXTURE_BLOCK);
}
END_TEST

START_TEST(what_the_home_lent_with_marks_is_kept_when_loops_come_again)
{
	have_a_lease();
	struct fixture_task *read = start_read(7, 1);

	assert_lent(read, 7);
	ck_assert_ptr_null(fixture_lun(f)->marks); /* all are recalled */
	assert_lent(read, 7);
	fixture_good(fixture_read(f, b, 0, 1));
	assert_kept(read, FIXTURE_BLOCK);
	store.writes_at_once = true;
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	ck_assert_uint_eq(home()->leases->out, 1);
}
END_TEST

START_TEST(a_write_that_had_the_medium_to_itself_has_had_its_turn)
{
	have_a_lease();
	assert_lent(start_read_of_b(7), 7);
	fixture_good(fixture_write(f, a, 9, 1, 'n')); /* by a recall */
	fixture_good(fixture_read(f, b, 0, 1));
	f->now_ms += SCSI_LEASE_QUIET_MS;
	fixture_good(fixture_read(f, b, 0, 1));
	ck_assert_uint_eq(home()->leases->out, 1);
	assert_lent(start_read_of_b(7), 7);
}
END_TEST

START_TEST(what_a_store_does_not_lend_leaves_no_marks)
{
	have_a_lease();
	store.lends_nothing = true;
	struct fixture_task *read = start_read(7, 1);
	fixture_settle(f);
	assert_kept(read, FIXTURE_BLOCK);
	store.writes_at_once = true;
	f->is_delivering = true;
	fixture_good(fixture_write(f, b, 7, 1, 'n'));
	f->is_delivering = false;
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_read_is_answered_from_where_its_data_lie);
	tcase_add_test(tcase, who_has_not_asked_for_it_gets_a_copy);
	tcase_add_test(tcase, what_must_come_from_the_medium_is_not_lent);
	tcase_add_loop_test(tcase, what_is_changed_later_is_not_seen, 0,
			    (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(tcase, an_erasure_is_not_seen);
	tcase_add_test(tcase, far_from_a_write_data_are_lent);
	tcase_add_test(tcase, beside_a_write_nothing_is_lent);
	tcase_add_test(tcase, it_is_kept_when_somebody_wants_to_look_at_it);
	tcase_add_test(tcase, what_cannot_be_copied_any_more_is_lost_and_the_write_goes_on);
	tcase_add_test(tcase, only_so_many_are_lent);
	tcase_add_test(tcase, a_store_that_grows_has_lent_nothing);
	tcase_add_test(tcase, of_a_block_that_is_taken_in_part_no_more_is_lent);
	tcase_add_test(tcase, when_another_loop_comes_to_the_medium_what_is_lent_is_kept);
	tcase_add_test(tcase, loops_that_share_a_medium_lend_too);
	tcase_add_test(tcase, a_loop_is_not_in_its_own_way);
	tcase_add_test(tcase, what_another_loop_lends_is_not_written);
	tcase_add_test(tcase, what_is_lent_at_home_for_long_is_kept_there);
	tcase_add_test(tcase, before_a_lease_is_returned_what_is_lent_is_kept);
	tcase_add_test(tcase, what_the_home_lent_with_marks_is_kept_when_loops_come_again);
	tcase_add_test(tcase, a_write_that_had_the_medium_to_itself_has_had_its_turn);
	tcase_add_test(tcase, what_a_store_does_not_lend_leaves_no_marks);
}

int main(void)
{
	return suite_run("target/lent", fill);
}
