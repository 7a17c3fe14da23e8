/*
 * No memory, or no descriptor, while files are opened and used: the configuration, the journal's
 * store, the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "pr_engine/store.h"
#include "target/backing.h"
#include "target/executor.h"
#include "target/in_flight.h"
#include "tests/unit/failure/inject.h"

#define DISK_SIZE (1u << 20)

static char dir[64];
static char path[128];

static void setup(void)
{
	strcpy(dir, "/tmp/test_alloc_files.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
}

static void remove_file(const char *suffix)
{
	char name[sizeof(path) + 8];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	(void)unlink(name);
}

static void teardown(void)
{
	remove_file("");
	remove_file(".lock");
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- the configuration ---- */

static const char text[] =
	"state_dir = \"/s\"; portals = ({ address = \"[::1]\"; group = 2; },\n"
	"{ address = \"0.0.0.0:0\"; });\n"
	"targets = ({ name = \"iqn.2026-11.com.example:a\"; alias = \"disks\"; portal_groups = [2];\n"
	"  luns = ({ number = 7; backing = \"memory\"; size = \"2G\"; }, { number = 8; }); },\n"
	"  { name = \"iqn.2026-11.com.example:b\"; });\n"
	"limits = { session_data_max = 1073741824; }; policy = { strict = true; };";

struct problems {
	char last[256];
	unsigned count;
};

static void note_problem(void *context, const char *problem)
{
	struct problems *problems = context;

	snprintf(problems->last, sizeof(problems->last), "%s", problem);
	problems->count++;
}

static void expect_whole(struct config *config)
{
	ck_assert_ptr_nonnull(config);
	ck_assert_uint_eq(config->portal_count, 2);
	ck_assert_uint_eq(config->target_count, 2);
	ck_assert_uint_eq(config->targets[0].lun_count, 2);
	ck_assert_uint_eq(config->targets[0].luns[0].number, 7);
}

static void load_text(void)
{
	struct problems problems = {.count = 0};

	inject_on();
	struct config *config = config_load_text(text, "x.conf", note_problem, &problems);
	if (inject_off()) {
		ck_assert_ptr_null(config);
		ck_assert_uint_eq(problems.count, 1);
		ck_assert_str_eq(problems.last, "x.conf: no memory");
		config = config_load_text(text, "x.conf", note_problem, &problems);
	}
	expect_whole(config);
	config_free(&config);
}

static void load_file(void)
{
	struct problems problems = {.count = 0};

	inject_on();
	struct config *config = config_load_file(path, note_problem, &problems);
	if (inject_off()) {
		ck_assert_ptr_null(config);
		ck_assert_uint_eq(problems.count, 1);
		ck_assert_msg(strncmp(problems.last, path, strlen(path)) == 0 &&
				      (strstr(problems.last, "no memory") ||
				       strstr(problems.last, strerror(EMFILE))),
			      "says: %s", problems.last);
		config = config_load_file(path, note_problem, &problems);
	}
	expect_whole(config);
	config_free(&config);
}

static void set_portals(void)
{
	struct problems problems = {.count = 0};
	struct config_portal portal = {.address = "127.0.0.1:7", .group = 1};
	struct config *config = config_load_text(text, "x.conf", note_problem, &problems);

	inject_on();
	bool is_set = config_set_portals(config, &portal, 1);
	if (inject_off()) {
		ck_assert(!is_set);
		expect_whole(config);
		is_set = config_set_portals(config, &portal, 1);
	}
	ck_assert(is_set);
	ck_assert_str_eq(config->portals[0].address, "127.0.0.1:7");
	config_free(&config);
}

START_TEST(configuration_is_loaded_whole_or_says_what_is_missing)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	inject_each("load-text", load_text);
	inject_each("load-file", load_file);
	inject_each("set-portals", set_portals);
}
END_TEST

/* ---- the journal's store ---- */

static void open_store(void)
{
	struct pr_store *store = NULL;

	inject_on();
	int error = pr_store_posix_open(path, &store);
	if (inject_off()) {
		ck_assert_int_eq(error, -ENOMEM);
		ck_assert_ptr_null(store);
		/* The lock was given back, if it came to that. */
		error = pr_store_posix_open(path, &store);
	}
	ck_assert_int_eq(error, 0);
	inject_on();
	ck_assert_int_eq(store->ops->replace(store, "one", 3), 0);
	ck_assert_int_eq(store->ops->write(store, 3, "two", 3), 0);
	ck_assert_int_eq(store->ops->sync(store), 0);
	(void)inject_off();
	store->ops->close(store);
}

START_TEST(store_opens_or_not)
{
	inject_each("open-store", open_store);
}
END_TEST

/* ---- the disk ---- */

static struct backing *disk_try(struct scsi_executor *executor, const char **ret_error)
{
	struct backing *backing = NULL;
	int error = backing_file_open(path, DISK_SIZE, false, executor, &backing, ret_error);

	ck_assert_int_eq(error, backing ? 0 : -ENOMEM);
	return backing;
}

static void open_disk(void)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	const char *sentence = NULL;

	(void)unlink(path);
	inject_on();
	struct backing *backing = disk_try(executor, &sentence);
	if (inject_off()) {
		ck_assert_ptr_null(backing);
		ck_assert_ptr_nonnull(sentence);
		backing = disk_try(executor, &sentence);
	}
	ck_assert_ptr_nonnull(backing);
	ck_assert_uint_eq(backing->size, DISK_SIZE);
	backing->ops->close(backing);
	scsi_executor_free(&executor);
}

static int request_result;

static void note_request(struct backing_request *request)
{
	request_result = request->error;
}

static int fill_try(struct backing *backing, struct scsi_executor *executor)
{
	uint8_t block[512];
	struct backing_request request = {
		.backing = backing,
		.op = BACKING_WRITE_SAME,
		.data = block,
		.data_len = sizeof(block),
		.len = DISK_SIZE,
		.done = note_request,
	};

	memset(block, 0x5a, sizeof(block));
	request_result = 1;
	backing->ops->submit(backing, &request);
	while (scsi_executor_pending(executor) > 0)
		scsi_executor_reap(executor);
	return request_result;
}

/* Whatever there is no memory for, the disk is there; at worst all is written by system calls. */
static void open_to_store(void)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	const char *sentence = NULL;
	struct in_flight *in_flight = NULL;
	char record_path[sizeof(path) + 16];

	snprintf(record_path, sizeof(record_path), "%s.in-flight", path);
	struct backing *backing = disk_try(executor, &sentence);
	ck_assert_ptr_nonnull(backing);
	inject_on();
	int error = in_flight_open(record_path, &in_flight);
	ck_assert_int_eq(error, in_flight ? 0 : -ENOMEM);
	if (in_flight) {
		error = backing_file_store_through(backing, in_flight, true);
		ck_assert(error == 0 || error == -ENOMEM);
	}
	(void)inject_off();
	ck_assert_int_eq(fill_try(backing, executor), 0);
	backing->ops->close(backing);
	scsi_executor_free(&executor);
	in_flight_free(&in_flight);
	(void)unlink(record_path);
}

static void fill_disk(void)
{
	struct scsi_executor *executor = scsi_executor_create(0);
	const char *sentence = NULL;
	struct backing *backing = disk_try(executor, &sentence);

	ck_assert_ptr_nonnull(backing);
	inject_on();
	int error = fill_try(backing, executor);
	if (inject_off()) {
		ck_assert_int_eq(error, -ENOMEM);
		error = fill_try(backing, executor);
	}
	ck_assert_int_eq(error, 0);
	backing->ops->close(backing);
	scsi_executor_free(&executor);
}

START_TEST(disk_opens_and_fills_or_not)
{
	inject_each("open-disk", open_disk);
	inject_each("open-to-store", open_to_store);
	inject_each("fill-disk", fill_disk);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, configuration_is_loaded_whole_or_says_what_is_missing);
	tcase_add_test(tcase, store_opens_or_not);
	tcase_add_test(tcase, disk_opens_and_fills_or_not);
}

int main(void)
{
	return suite_run("alloc_files", fill);
}
