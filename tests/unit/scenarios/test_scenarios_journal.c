/* The sheet's 8.7: crashes, a damaged journal, a store that fails. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/scenarios/scene.h"

static void restart(struct scene *s)
{
	ck_assert_int_eq(fixture_restart(s->f), 0);
}

/* ---- the journal's store, watched ---- */

#define IMAGES_MAX 64

/* Takes a picture of the journal before each call that changes it, and after half of a write. */
struct watch {
	const struct pr_store_ops *real;
	struct pr_store_ops ops;
	struct test_store *store;
	uint8_t *images[IMAGES_MAX];
	size_t lens[IMAGES_MAX];
	unsigned count;
};
static struct watch watch;

static void take_picture(const uint8_t *bytes, size_t len)
{
	ck_assert_uint_lt(watch.count, IMAGES_MAX);
	watch.images[watch.count] = malloc(len + 1);
	ck_assert_ptr_nonnull(watch.images[watch.count]);
	if (len > 0)
		memcpy(watch.images[watch.count], bytes, len);
	watch.lens[watch.count++] = len;
}

static int watch_write(struct pr_store *store, uint64_t offset, const void *data, size_t len)
{
	take_picture(watch.store->bytes, watch.store->len);
	int result = watch.real->write(store, offset, data, len / 2);
	if (result == 0)
		take_picture(watch.store->bytes, watch.store->len);
	return result == 0 ? watch.real->write(store, offset, data, len) : result;
}

static int watch_sync(struct pr_store *store)
{
	take_picture(watch.store->bytes, watch.store->len);
	return watch.real->sync(store);
}

static int watch_replace(struct pr_store *store, const void *data, size_t len)
{
	take_picture(watch.store->bytes, watch.store->len);
	return watch.real->replace(store, data, len);
}

static void watch_begin(struct scene *s)
{
	watch = (struct watch){.store = &s->f->stores[0], .real = s->f->stores[0].store.ops};
	watch.ops = *watch.real;
	watch.ops.write = watch_write;
	watch.ops.sync = watch_sync;
	watch.ops.replace = watch_replace;
	s->f->stores[0].store.ops = &watch.ops;
}

static void watch_end(struct scene *s)
{
	s->f->stores[0].store.ops = watch.real;
}

/* Starts a target over these bytes. */
static int start_from(struct scene *s, const uint8_t *bytes, size_t len)
{
	struct test_store *store = &s->f->stores[0];

	free(store->bytes);
	store->bytes = malloc(len + 1);
	ck_assert_ptr_nonnull(store->bytes);
	if (len > 0)
		memcpy(store->bytes, bytes, len);
	store->len = len;
	return fixture_restart(s->f);
}

/* The state without the generation, which a restart takes to 0. */
static struct scene_state lasting_state(struct scene *s)
{
	struct scene_state state = scene_state(s);
	unsigned keys = get_be32(state.bytes + 4);
	memset(state.bytes, 0, 4);
	memset(state.bytes + 8 + keys, 0, 4);
	return state;
}

static bool same_state(const struct scene_state *a, const struct scene_state *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

typedef void (*change)(struct scene *s);

static void change_reserve(struct scene *s)
{
	fixture_good(scene_out(s, s->c, PR_OUT_RESERVE, 6, KC, 0));
}

static void change_release(struct scene *s)
{
	fixture_good(scene_out(s, s->a, PR_OUT_RELEASE, 5, KA, 0));
}

static void change_clear(struct scene *s)
{
	fixture_good(scene_out(s, s->b, PR_OUT_CLEAR, 0, KB, 0));
}

static void change_preempt(struct scene *s)
{
	fixture_good(scene_out(s, s->b, PR_OUT_PREEMPT, 6, KB, KA));
}

static void set_up_for_crash(struct scene *s, bool held)
{
	scene_register_aptpl(s, s->a, KA);
	scene_register_aptpl(s, s->b, KB);
	scene_register_aptpl(s, s->c, KC);
	if (held)
		fixture_good(scene_out(s, s->a, PR_OUT_RESERVE, 5, KA, 0));
}

/* Deeper: tests/crash replays every prefix with lost and torn writes. */
START_TEST(scenario_129_a_crash_shows_the_state_before_or_after)
{
	static const change changes[] = {change_reserve, change_release, change_clear,
					 change_preempt};

	for (unsigned i = 0; i < 4; i++) {
		struct scene s = scene_open();
		set_up_for_crash(&s, i != 0);
		struct scene_state before = lasting_state(&s);
		watch_begin(&s);
		changes[i](&s);
		watch_end(&s);
		/* GOOD was sent: a crash from now on shows the state after. */
		take_picture(s.f->stores[0].bytes, s.f->stores[0].len);
		ck_assert_uint_ge(watch.count, 2);
		struct scene_state after = lasting_state(&s);
		ck_assert(!same_state(&before, &after));
		for (unsigned n = 0; n < watch.count; n++) {
			ck_assert_int_eq(start_from(&s, watch.images[n], watch.lens[n]), 0);
			struct scene_state now = lasting_state(&s);
			bool is_after = same_state(&now, &after);
			ck_assert(is_after || same_state(&now, &before));
			ck_assert(is_after || n + 1 < watch.count);
			free(watch.images[n]);
		}
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_130_a_torn_tail_and_a_damaged_middle)
{
	struct scene s = scene_open();
	uint8_t bytes[8192];

	scene_register_aptpl(&s, s.a, KA);
	size_t middle = s.f->stores[0].len;
	scene_register_aptpl(&s, s.b, KB);
	size_t middle_end = s.f->stores[0].len;
	scene_register_aptpl(&s, s.c, KC);
	struct scene_state before = lasting_state(&s);
	size_t start = s.f->stores[0].len;
	fixture_good(scene_out(&s, s.a, PR_OUT_RESERVE, 5, KA, 0));
	struct scene_state after = lasting_state(&s);
	size_t len = s.f->stores[0].len;
	ck_assert_uint_lt(len, sizeof(bytes));
	ck_assert(middle < middle_end && middle_end < start && start < len);
	memcpy(bytes, s.f->stores[0].bytes, len);

	/* Cut at every byte behind the last record but one: in time it is whole, and then it
	 * counts. */
	size_t whole = 0;
	for (size_t cut = start; cut < len; cut++) {
		ck_assert_msg(start_from(&s, bytes, cut) == 0, "cut at %zu of %zu", cut, len);
		struct scene_state now = lasting_state(&s);
		bool is_after = same_state(&now, &after);
		ck_assert(is_after || (whole == 0 && same_state(&now, &before)));
		whole = is_after && whole == 0 ? cut : whole;
	}
	/* A bit flips in the last record: the older state. */
	whole = whole == 0 ? len : whole;
	for (size_t at = start; at < whole; at++) {
		bytes[at] ^= 0x10;
		ck_assert_msg(start_from(&s, bytes, whole) == 0, "bit flip at %zu", at);
		struct scene_state now = lasting_state(&s);
		ck_assert(same_state(&now, &before));
		bytes[at] ^= 0x10;
	}
	/* Where what follows says that it had been durable, refusing to start is as good. */
	for (size_t at = start; at < len; at++) {
		bytes[at] ^= 0x10;
		if (start_from(&s, bytes, len) == 0) {
			struct scene_state now = lasting_state(&s);
			ck_assert(same_state(&now, &before) || same_state(&now, &after));
		}
		bytes[at] ^= 0x10;
	}
	/* In the middle that is damage, and the LU stays away rather than forget a reservation. */
	for (size_t at = middle; at < middle_end; at++) {
		bytes[at] ^= 0x10;
		ck_assert_msg(start_from(&s, bytes, len) != 0, "bit flip at %zu of %zu", at, len);
		bytes[at] ^= 0x10;
	}
	ck_assert_int_eq(start_from(&s, bytes, len), 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_131_a_store_that_fails)
{
	static const struct {
		int error;
		uint8_t key, asc, ascq;
	} rows[] = {{-EIO, 4, 0x44, 0x00}, {-ENOSPC, 5, 0x55, 0x04}};

	for (unsigned i = 0; i < 2; i++) {
		struct scene s = scene_open();
		scene_register(&s, s.b, KB);
		s.f->stores[0].error = rows[i].error;
		scene_refused(&s, fixture_pr_out(s.f, s.a, PR_OUT_REGISTER, 0, 0, KA, APTPL),
			      rows[i].key, rows[i].asc, rows[i].ascq);
		s.f->stores[0].error = 0;
		scene_register_aptpl(&s, s.a, KA);
		restart(&s);
		ck_assert_uint_eq(fixture_registrations(s.f), 2);
		scene_close(&s);
	}
}
END_TEST

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_type == DT_REG)
			ck_assert_int_eq(unlinkat(dirfd(folder), entry->d_name, 0), 0);
	closedir(folder);
	ck_assert_int_eq(rmdir(path), 0);
}

START_TEST(scenario_132_a_missing_state_directory_is_created)
{
	char folder[] = "/tmp/holdfast-scenario-XXXXXX";
	char path[128], inner[64], outer[64];
	struct pr_store *store;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(outer, sizeof(outer), "%s/state", folder);
	snprintf(inner, sizeof(inner), "%s/state/target", folder);
	snprintf(path, sizeof(path), "%s/lun0.journal", inner);
	ck_assert_int_eq(pr_store_posix_open(path, &store), 0);
	ck_assert_int_eq(stat(inner, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert_int_eq(store->ops->replace(store, "x", 1), 0);
	store->ops->close(store);
	ck_assert_int_eq(access(path, F_OK), 0);
	remove_folder(inner);
	remove_folder(outer);

	/* Where it cannot be created, opening or the first write fails loudly. */
	FILE *file = fopen(outer, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	int result = pr_store_posix_open(path, &store);
	if (result == 0) {
		result = store->ops->replace(store, "x", 1);
		store->ops->close(store);
	}
	ck_assert_int_lt(result, 0);
	ck_assert_int_eq(unlink(outer), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_129_a_crash_shows_the_state_before_or_after);
	tcase_add_test(tcase, scenario_130_a_torn_tail_and_a_damaged_middle);
	tcase_add_test(tcase, scenario_131_a_store_that_fails);
	tcase_add_test(tcase, scenario_132_a_missing_state_directory_is_created);
}

int main(void)
{
	return suite_run("scenarios: journal", fill);
}
