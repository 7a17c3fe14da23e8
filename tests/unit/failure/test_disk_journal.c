/*
 * A disk that fails, call by call, under a LUN's journal: what was acknowledged is there after a
 * restart, what was not is not, and once the disk is mended all goes on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/target_fixture.h"
#include "tests/unit/failure/inject.h"

#define APTPL	 0x01
#define NEW_LUN	 1
#define KEY_NOW	 0xa
#define KEY_NEXT 0xb

static char dir[64];
static int error_now; /* of the disk, in this test */

static const int errors[] = {EIO, ENOSPC, EROFS};
#define ERROR_COUNT ((int)(sizeof(errors) / sizeof(errors[0])))

static void dir_empty(void)
{
	DIR *names = opendir(dir);

	ck_assert_ptr_nonnull(names);
	for (struct dirent *entry = readdir(names); entry; entry = readdir(names))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(names), entry->d_name, 0);
	closedir(names);
}

static void setup(void)
{
	strcpy(dir, "/tmp/test_disk_journal.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	dir_empty();
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- a target whose LUN 1 has its journal in `dir` ---- */

struct scene {
	struct fixture *f;
	struct test_disk disk;
	struct scsi_nexus *a;
};

static int lun_add(struct scene *scene)
{
	struct scsi_lun_config config;
	char path[sizeof(dir) + 16];

	snprintf(path, sizeof(path), "%s/journal", dir);
	scsi_lun_config_init(&config);
	config.number = NEW_LUN;
	config.backing = &scene->disk.backing;
	config.registrations_max = 64;
	config.history_max = 4;
	int error = pr_store_posix_open(path, &config.store);
	if (error != 0)
		return error;
	error = scsi_target_add_lun(scene->f->target, &config, NULL);
	if (error != 0)
		config.store->ops->close(config.store);
	return error;
}

static void scene_open(struct scene *scene)
{
	scene->f = fixture_create(NULL);
	scene->a = fixture_login(scene->f, 'a');
	test_disk_init(&scene->disk, 64 * FIXTURE_BLOCK);
}

static void scene_use(struct scene *scene)
{
	scene->f->lun = NEW_LUN;
	fixture_drain_unit_attentions(scene->f, scene->a);
}

static void scene_close(struct scene *scene)
{
	scene->f->lun = 0;
	fixture_free(&scene->f);
	test_disk_clear(&scene->disk);
}

static const struct fixture_result *change_key(struct scene *scene, uint64_t from, uint64_t to)
{
	return fixture_pr_out(scene->f, scene->a, PR_OUT_REGISTER, 0, from, to, APTPL);
}

static uint64_t key_now(struct scene *scene)
{
	struct pr_nexus_id id = fixture_nexus_id('a', 1);

	return fixture_key_of(scene->f, &id);
}

/* What a daemon that starts now finds. */
static uint64_t key_after_restart(void)
{
	struct scene scene;

	scene_open(&scene);
	ck_assert_int_eq(lun_add(&scene), 0);
	scene_use(&scene);
	uint64_t key = key_now(&scene);
	scene_close(&scene);
	return key;
}

/* ---- one command on a failing disk ---- */

/* The first batch replaces the file; later ones are appended to it. */
static bool is_appended;

static void expect_refused(const struct fixture_result *result)
{
	if (error_now == ENOSPC)
		fixture_sense(result, 5, 0x55, 0x04);
	else
		fixture_sense(result, 4, 0x44, 0x00);
}

static void command_on_a_failing_disk(void)
{
	struct scene scene;

	dir_empty();
	scene_open(&scene);
	ck_assert_int_eq(lun_add(&scene), 0);
	scene_use(&scene);
	fixture_good(change_key(&scene, 0, KEY_NOW));
	if (!is_appended) {
		scene_close(&scene);
		scene_open(&scene);
		ck_assert_int_eq(lun_add(&scene), 0);
		scene_use(&scene);
	}
	inject_disk_on(error_now);
	const struct fixture_result *result = change_key(&scene, KEY_NOW, KEY_NEXT);
	bool failed = inject_off();
	bool is_good = result->status == SCSI_STATUS_GOOD;
	ck_assert(failed || is_good);
	if (!is_good)
		expect_refused(result);
	ck_assert_uint_eq(key_now(&scene), is_good ? KEY_NEXT : KEY_NOW);
	scene_close(&scene);

	/* A disk that let nothing be taken back may keep what it has refused (store.h). */
	uint64_t key = key_after_restart();
	if (is_good || !inject_is_lasting())
		ck_assert_uint_eq(key, is_good ? KEY_NEXT : KEY_NOW);
	else
		ck_assert(key == KEY_NOW || key == KEY_NEXT);
}

/* The same, and the disk is mended before anybody restarts. */
static void command_after_a_failed_one(void)
{
	struct scene scene;

	dir_empty();
	scene_open(&scene);
	ck_assert_int_eq(lun_add(&scene), 0);
	scene_use(&scene);
	if (is_appended)
		fixture_good(change_key(&scene, 0, KEY_NOW));
	uint64_t before = key_now(&scene);
	inject_disk_on(error_now);
	const struct fixture_result *result = change_key(&scene, before, KEY_NEXT);
	(void)inject_off();
	if (result->status != SCSI_STATUS_GOOD) {
		expect_refused(result);
		fixture_good(change_key(&scene, before, KEY_NEXT));
	}
	fixture_good(change_key(&scene, KEY_NEXT, KEY_NEXT + 1));
	scene_close(&scene);
	ck_assert_uint_eq(key_after_restart(), KEY_NEXT + 1);
}

START_TEST(command_fails_whole_or_survives)
{
	static const char *const names[2][2] = {
		{"replaced-journal", "replaced-journal-mended"},
		{"appended-journal", "appended-journal-mended"},
	};

	error_now = errors[_i % ERROR_COUNT];
	is_appended = _i >= ERROR_COUNT;
	inject_each(names[is_appended][0], command_on_a_failing_disk);
	inject_each(names[is_appended][1], command_after_a_failed_one);
}
END_TEST

/* ---- start on a failing disk ---- */

static void start(void)
{
	struct scene scene;

	scene_open(&scene);
	inject_disk_on(error_now);
	int error = lun_add(&scene);
	if (inject_off()) {
		ck_assert_int_lt(error, 0);
		ck_assert_ptr_null(scsi_target_lun(scene.f->target, NEW_LUN));
		error = lun_add(&scene);
	}
	ck_assert_int_eq(error, 0);
	scene_use(&scene);
	ck_assert_uint_eq(key_now(&scene), KEY_NOW);
	scene_close(&scene);
}

START_TEST(lun_does_not_come_online_on_a_failing_disk)
{
	struct scene scene;

	error_now = errors[_i];
	scene_open(&scene);
	ck_assert_int_eq(lun_add(&scene), 0);
	scene_use(&scene);
	fixture_good(change_key(&scene, 0, KEY_NOW));
	scene_close(&scene);
	inject_each("start-on-a-failing-disk", start);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, command_fails_whole_or_survives, 0, 2 * ERROR_COUNT);
	tcase_add_loop_test(tcase, lun_does_not_come_online_on_a_failing_disk, 0, ERROR_COUNT);
}

int main(void)
{
	return suite_run("disk_journal", fill);
}
