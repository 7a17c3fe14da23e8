/*
 * What a power cut leaves of a folder: all that was synced, of the rest any part, and never a state
 * that no disk could be in.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/power_disk.h"

#define ROOT  1
#define SEEDS 300

static struct power_disk *disk;

static void setup(void)
{
	disk = power_disk_create(ROOT);
	ck_assert_ptr_nonnull(disk);
	power_disk_begin_log(disk);
}

static void teardown(void)
{
	power_disk_free(&disk);
}

/* ---- what a program does; `records` as its log counts them ---- */

static uint64_t records;

static void take(struct power_record record, const void *data, size_t len)
{
	record.data_len = len;
	ck_assert(power_disk_take(disk, &record, data));
	records++;
}

static void create(enum power_kind kind, uint64_t directory, uint64_t inode, const char *name)
{
	take((struct power_record){.kind = kind, .inode = directory, .other = inode}, name,
	     strlen(name) + 1);
}

static void writes(uint64_t inode, uint64_t offset, const char *text)
{
	take((struct power_record){.kind = POWER_WRITE, .inode = inode, .offset = offset}, text,
	     strlen(text));
}

static void resizes(uint64_t inode, uint64_t size)
{
	take((struct power_record){.kind = POWER_SIZE, .inode = inode, .offset = size}, NULL, 0);
}

static void unlinks(uint64_t directory, const char *name)
{
	take((struct power_record){.kind = POWER_UNLINK, .inode = directory}, name,
	     strlen(name) + 1);
}

static void renames(uint64_t from, uint64_t to, const char *names, size_t len)
{
	take((struct power_record){.kind = POWER_RENAME, .inode = from, .other = to}, names, len);
}

static void syncs(uint64_t inode, uint64_t before)
{
	take((struct power_record){.kind = POWER_SYNCED, .inode = inode, .offset = before}, NULL,
	     0);
}

/* A file with this content, name and all durable. */
static void durable(uint64_t inode, const char *name, const char *text)
{
	create(POWER_CREATE, ROOT, inode, name);
	writes(inode, 0, text);
	syncs(inode, records);
	syncs(ROOT, records);
}

/* ---- what is left ---- */

struct left {
	char text[8192]; /* "name=content;", with slashes behind directories */
	const char *wanted;
	char content[4096];
	size_t size;
	bool found;
};

static bool look(void *context, const struct power_thing *thing)
{
	struct left *left = context;
	size_t used = strlen(left->text);

	snprintf(left->text + used, sizeof(left->text) - used, "%s%s;", thing->path,
		 thing->is_directory ? "/" : "");
	if (!left->wanted || strcmp(thing->path, left->wanted) != 0)
		return true;
	left->found = true;
	left->size = (size_t)thing->size;
	ck_assert_uint_lt(left->size, sizeof(left->content));
	if (thing->size > 0)
		memcpy(left->content, thing->bytes, left->size);
	left->content[left->size] = '\0';
	return true;
}

static struct left left_after(uint64_t seed, const char *wanted)
{
	struct left left = {.wanted = wanted};
	struct power_losses losses;

	ck_assert(power_disk_cut(disk, seed, &losses));
	ck_assert(power_disk_walk(disk, look, &left));
	return left;
}

static void again(void)
{
	teardown();
	records = 0;
	setup();
}

/* ---- */

START_TEST(what_was_synced_is_there_after_every_cut)
{
	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "hello");
		struct left left = left_after(seed, "a");
		ck_assert_str_eq(left.content, "hello");
		ck_assert_str_eq(left.text, "a;");
	}
}
END_TEST

START_TEST(a_write_without_a_sync_is_there_or_not)
{
	unsigned old = 0, new = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "hello");
		writes(2, 0, "HELLO");
		struct left left = left_after(seed, "a");
		old += strcmp(left.content, "hello") == 0;
		new += strcmp(left.content, "HELLO") == 0;
	}
	ck_assert_uint_eq(old + new, SEEDS - 1);
	ck_assert_uint_gt(old, 0);
	ck_assert_uint_gt(new, 0);
}
END_TEST

START_TEST(a_sector_has_all_of_its_first_changes)
{
	bool seen[3] = {false};

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "......");
		writes(2, 0, "A");
		writes(2, 1, "B");
		struct left left = left_after(seed, "a");
		static const char *const states[] = {"......", "A.....", "AB...."};
		unsigned state = 0;
		while (state < 3 && strcmp(left.content, states[state]) != 0)
			state++;
		ck_assert_msg(state < 3, "%s", left.content);
		seen[state] = true;
	}
	ck_assert(seen[0] && seen[1] && seen[2]);
}
END_TEST

START_TEST(a_write_is_torn_between_sectors)
{
	char old[1025], new[1025];
	unsigned torn = 0;

	memset(old, 'o', 1024);
	memset(new, 'n', 1024);
	old[1024] = new[1024] = '\0';
	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", old);
		writes(2, 0, new);
		struct left left = left_after(seed, "a");
		ck_assert_int_eq(left.content[0], left.content[511]);
		ck_assert_int_eq(left.content[512], left.content[1023]);
		torn += left.content[0] != left.content[512];
	}
	ck_assert_uint_gt(torn, 0);
}
END_TEST

START_TEST(a_file_s_sync_does_not_sync_its_name)
{
	unsigned gone = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		create(POWER_CREATE, ROOT, 2, "a");
		writes(2, 0, "hello");
		syncs(2, records);
		struct left left = left_after(seed, "a");
		ck_assert(!left.found || strcmp(left.content, "hello") == 0);
		gone += !left.found;
	}
	ck_assert_uint_gt(gone, 0);
	ck_assert_uint_lt(gone, SEEDS - 1);
}
END_TEST

START_TEST(a_rename_is_whole_or_not_there)
{
	unsigned renamed = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "old");
		durable(3, "a.new", "new");
		renames(ROOT, ROOT, "a.new\0a", sizeof("a.new\0a"));
		struct left left = left_after(seed, "a");
		bool is_new = strcmp(left.content, "new") == 0;
		ck_assert(is_new || strcmp(left.content, "old") == 0);
		ck_assert_int_eq(is_new, strstr(left.text, "a.new") == NULL);
		renamed += is_new;
	}
	ck_assert_uint_gt(renamed, 0);
	ck_assert_uint_lt(renamed, SEEDS - 1);
}
END_TEST

START_TEST(a_directory_keeps_the_order_of_its_changes)
{
	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		create(POWER_CREATE, ROOT, 2, "first");
		create(POWER_CREATE, ROOT, 3, "second");
		unlinks(ROOT, "first");
		struct left left = left_after(seed, NULL);
		ck_assert_msg(strcmp(left.text, "") == 0 || strcmp(left.text, "first;") == 0 ||
				      strcmp(left.text, "second;first;") == 0 ||
				      strcmp(left.text, "second;") == 0,
			      "%s", left.text);
	}
}
END_TEST

START_TEST(what_lies_in_a_lost_directory_is_lost)
{
	unsigned kept = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		create(POWER_MKDIR, ROOT, 2, "d");
		create(POWER_CREATE, 2, 3, "a");
		writes(3, 0, "hello");
		syncs(3, records);
		syncs(2, records);
		struct left left = left_after(seed, "d/a");
		ck_assert_str_eq(left.text, left.found ? "d/;d/a;" : "");
		kept += left.found;
	}
	ck_assert_uint_gt(kept, 0);
	ck_assert_uint_lt(kept, SEEDS - 1);
}
END_TEST

START_TEST(a_sync_covers_what_was_there_when_it_began)
{
	unsigned lost = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "......");
		writes(2, 0, "A");
		uint64_t before = records;
		writes(2, 1, "B");
		syncs(2, before);
		struct left left = left_after(seed, "a");
		ck_assert_int_eq(left.content[0], 'A');
		lost += left.content[1] == '.';
	}
	ck_assert_uint_gt(lost, 0);
}
END_TEST

START_TEST(a_file_may_keep_its_old_size_and_never_shows_what_was_cut_off)
{
	bool grown = false, kept = false;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "hello");
		resizes(2, 0);
		resizes(2, 8);
		struct left left = left_after(seed, "a");
		ck_assert(left.size == 5 || left.size == 0 || left.size == 8);
		for (size_t i = 0; i < left.size; i++)
			ck_assert_int_eq(left.content[i], left.content[0] == 0 ? 0
							  : i < 5	       ? "hello"[i]
									       : 0);
		grown |= left.size == 8;
		kept |= left.size == 5;
	}
	ck_assert(grown && kept);
}
END_TEST

START_TEST(an_inode_that_is_used_again_is_another_file)
{
	unsigned found = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "old");
		unlinks(ROOT, "a");
		create(POWER_CREATE, ROOT, 2, "b");
		writes(2, 0, "new");
		syncs(2, records);
		struct left left = left_after(seed, "a");
		ck_assert(!left.found || strcmp(left.content, "old") == 0);
		found += left.found;
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

START_TEST(what_nobody_recorded_is_found_and_is_not_durable)
{
	unsigned old = 0, new = 0;

	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		again();
		durable(2, "a", "hello");
		durable(3, "gone", "x");
		struct power_found found = {.directory = ROOT,
					    .inode = 2,
					    .name = "a",
					    .bytes = (const uint8_t *)"HELLO",
					    .size = 5};
		power_disk_look(disk);
		ck_assert(power_disk_found(disk, &found));
		ck_assert(power_disk_looked(disk));
		struct left left = left_after(seed, "a");
		old += strcmp(left.content, "hello") == 0 && strstr(left.text, "gone");
		new += strcmp(left.content, "HELLO") == 0 && !strstr(left.text, "gone");
	}
	ck_assert_uint_gt(old, 0);
	ck_assert_uint_gt(new, 0);
}
END_TEST

START_TEST(a_sync_of_the_next_run_covers_what_was_found)
{
	struct power_found found = {.directory = ROOT,
				    .inode = 2,
				    .name = "a",
				    .bytes = (const uint8_t *)"HELLO",
				    .size = 5};

	durable(2, "a", "hello");
	power_disk_look(disk);
	ck_assert(power_disk_found(disk, &found));
	ck_assert(power_disk_looked(disk));
	power_disk_begin_log(disk);
	syncs(2, 0);
	ck_assert_str_eq(left_after(1, "a").content, "HELLO");
}
END_TEST

START_TEST(files_outside_of_the_folder_do_not_matter)
{
	writes(99, 0, "hello");
	create(POWER_CREATE, 98, 97, "a");
	syncs(99, records);
	unlinks(98, "a");
	ck_assert_str_eq(left_after(1, NULL).text, "");
}
END_TEST

START_TEST(nonsense_is_refused)
{
	struct power_record record = {.kind = POWER_KIND_COUNT};

	ck_assert(!power_disk_take(disk, &record, NULL));
	durable(2, "a", "hello");
	record = (struct power_record){.kind = POWER_WRITE, .inode = ROOT, .data_len = 1};
	ck_assert(!power_disk_take(disk, &record, (const uint8_t *)"x"));
	record = (struct power_record){.kind = POWER_SIZE, .inode = 2, .offset = UINT64_MAX};
	ck_assert(!power_disk_take(disk, &record, NULL));
	record = (struct power_record){.kind = POWER_UNLINK, .inode = ROOT, .data_len = 1};
	ck_assert(!power_disk_take(disk, &record, (const uint8_t *)"a"));
	record = (struct power_record){.kind = POWER_RENAME, .inode = ROOT, .data_len = 2};
	ck_assert(!power_disk_take(disk, &record, (const uint8_t *)"a"));
}
END_TEST

START_TEST(the_same_seed_loses_the_same)
{
	char first[8192];

	for (int i = 0; i < 2; i++) {
		again();
		for (uint64_t inode = 2; inode < 60; inode++) {
			char name[16];
			snprintf(name, sizeof(name), "f%02u", (unsigned)inode);
			create(POWER_CREATE, ROOT, inode, name);
		}
		struct left left = left_after(7, NULL);
		if (i == 0)
			memcpy(first, left.text, sizeof(first));
		else
			ck_assert_str_eq(left.text, first);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_synced_is_there_after_every_cut);
	tcase_add_test(tcase, a_write_without_a_sync_is_there_or_not);
	tcase_add_test(tcase, a_sector_has_all_of_its_first_changes);
	tcase_add_test(tcase, a_write_is_torn_between_sectors);
	tcase_add_test(tcase, a_file_s_sync_does_not_sync_its_name);
	tcase_add_test(tcase, a_rename_is_whole_or_not_there);
	tcase_add_test(tcase, a_directory_keeps_the_order_of_its_changes);
	tcase_add_test(tcase, what_lies_in_a_lost_directory_is_lost);
	tcase_add_test(tcase, a_sync_covers_what_was_there_when_it_began);
	tcase_add_test(tcase, a_file_may_keep_its_old_size_and_never_shows_what_was_cut_off);
	tcase_add_test(tcase, an_inode_that_is_used_again_is_another_file);
	tcase_add_test(tcase, what_nobody_recorded_is_found_and_is_not_durable);
	tcase_add_test(tcase, a_sync_of_the_next_run_covers_what_was_found);
	tcase_add_test(tcase, files_outside_of_the_folder_do_not_matter);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, the_same_seed_loses_the_same);
}

int main(void)
{
	return suite_run("lab/power_disk", fill);
}
