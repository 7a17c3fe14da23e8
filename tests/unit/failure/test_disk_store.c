/*
 * A file store on a disk that fails: by threads, and where the kernel does it all. Whatever was
 * called good is there; a sync that failed is never forgotten; and afterwards the store works.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/backing.h"
#include "tests/unit/failure/inject.h"

#define DISK_SIZE ((uint64_t)64 * 1024)
#define LEN	  8192u
#define FUA_AT	  16384u

static char directory[] = "/tmp/holdfast-failure-XXXXXX";
static char path[64];
static bool with_ring;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/disk", directory);
}

static void teardown(void)
{
	unlink(path);
	rmdir(directory);
}

struct scene {
	struct scsi_executor *executor;
	struct backing *backing;
	bool is_done;
};

struct attempt {
	struct backing_request request;
	struct scene *scene;
};

static void attempt_done(struct backing_request *request)
{
	struct attempt *attempt = (struct attempt *)request;

	attempt->scene->is_done = true;
}

/* 0, or the error. */
static int try(struct scene *scene, enum backing_op op, uint64_t offset, uint8_t *data, bool fua)
{
	struct attempt attempt = {
		.scene = scene,
		.request = {.op = op,
			    .fua = fua,
			    .offset = offset,
			    .len = data ? LEN : 0,
			    .data = data,
			    .data_len = data ? LEN : 0,
			    .done = attempt_done},
	};

	scene->is_done = false;
	scene->backing->ops->submit(scene->backing, &attempt.request);
	while (!scene->is_done) {
		struct pollfd readable = {.fd = scsi_executor_fd(scene->executor),
					  .events = POLLIN};
		ck_assert_int_eq(poll(&readable, 1, -1), 1);
		scsi_executor_reap(scene->executor);
	}
	return attempt.request.error;
}

static void scene_open(struct scene *scene)
{
	const char *sentence = NULL;

	scene->executor = scsi_executor_create(0);
	ck_assert_ptr_nonnull(scene->executor);
	if (with_ring)
		ck_assert_int_eq(scsi_executor_use_ring(scene->executor), 0);
	ck_assert_int_eq(backing_file_open(path, DISK_SIZE, false, scene->executor, &scene->backing,
					   &sentence),
			 0);
}

static void scene_close(struct scene *scene)
{
	scene->backing->ops->close(scene->backing);
	scsi_executor_free(&scene->executor);
}

static void assert_holds(struct scene *scene, uint64_t offset, const uint8_t *data)
{
	uint8_t found[LEN];

	ck_assert_int_eq(try(scene, BACKING_READ, offset, found, false), 0);
	ck_assert_mem_eq(found, data, LEN);
}

static void on_a_failing_disk(void)
{
	struct scene scene;
	uint8_t data[LEN];
	static uint8_t round;

	memset(data, ++round, sizeof(data));
	scene_open(&scene);
	inject_disk_on(EIO);
	int written = try(&scene, BACKING_WRITE, 512, data, false);
	int durable = try(&scene, BACKING_WRITE, FUA_AT, data, true);
	int flushed = try(&scene, BACKING_FLUSH, 0, NULL, false);
	bool any_failed = inject_off();

	ck_assert(written == 0 || written == -EIO);
	ck_assert(durable == 0 || durable == -EIO);
	ck_assert(flushed == 0 || flushed == -EIO);
	ck_assert(any_failed || (written == 0 && durable == 0 && flushed == 0));
	if (written == 0)
		assert_holds(&scene, 512, data);
	if (durable == 0)
		assert_holds(&scene, FUA_AT, data);
	/* A sync that failed once proves nothing when it succeeds later. */
	ck_assert_int_eq(try(&scene, BACKING_FLUSH, 0, NULL, false), flushed);
	ck_assert_int_eq(try(&scene, BACKING_WRITE, 512, data, false), 0);
	assert_holds(&scene, 512, data);
	scene_close(&scene);
}

START_TEST(what_was_called_good_is_there_and_no_failed_sync_is_forgotten)
{
	with_ring = _i == 1;
	inject_each(with_ring ? "disk-by-io_uring" : "disk-by-threads", on_a_failing_disk);
}
END_TEST

/* No memory, no descriptor for a ring, or a kernel that takes nothing: threads do it. */
static void without_memory(void)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	struct scene scene = {.executor = executor};
	const char *sentence = NULL;
	uint8_t data[LEN];

	ck_assert_ptr_nonnull(executor);
	ck_assert_int_eq(
		backing_file_open(path, DISK_SIZE, false, executor, &scene.backing, &sentence), 0);
	memset(data, 'm', sizeof(data));
	inject_on();
	int error = scsi_executor_use_ring(executor);
	int written = try(&scene, BACKING_WRITE, 512, data, true);
	bool any_failed = inject_off();

	ck_assert(error == 0 || (any_failed && error == -ENOMEM));
	ck_assert_int_eq(written, 0);
	assert_holds(&scene, 512, data);
	scene_close(&scene);
}

START_TEST(without_a_ring_threads_do_it)
{
	inject_each("no-io_uring", without_memory);
}
END_TEST

static int ring_error(void)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	int error = executor ? scsi_executor_use_ring(executor) : -ENOMEM;

	scsi_executor_free(&executor);
	return error;
}

static void fill(TCase *tcase)
{
	int error = ring_error();

	if (error != 0)
		printf("with io_uring: skipped: %s\n", strerror(-error));
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_was_called_good_is_there_and_no_failed_sync_is_forgotten, 0,
			    error == 0 ? 2 : 1);
	if (error == 0)
		tcase_add_test(tcase, without_a_ring_threads_do_it);
}

int main(void)
{
	return suite_run("disk_store", fill);
}
