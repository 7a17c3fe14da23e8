/* Accesses to a mapping that fail: an answer where that was expected, the end anywhere else. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/guarded.h"
#include "tests/support/suite.h"

#define LEN 4096

static uint8_t *mapped; /* one page of a file that is cut off behind it, and the page behind it */

static void setup(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/holdfast-guarded-XXXXXX", suite_folder());
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, LEN), 0);
	void *bytes = mmap(NULL, (size_t)2 * LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	mapped = bytes;
	close(fd);
	guarded_init();
}

static void teardown(void)
{
	munmap(mapped, (size_t)2 * LEN);
}

static void fill_both(void *context)
{
	memset(mapped, 'f', (size_t)2 * LEN);
	*(bool *)context = true;
}

static void fill_first(void *context)
{
	memset(mapped, 'f', LEN);
	*(bool *)context = true;
}

static bool run(void (*work)(void *context), const void *start, size_t len, bool *ret_ended)
{
	return guarded_run(&(struct guarded_work){
		.run = work,
		.context = ret_ended,
		.ranges = {{.start = start, .len = len}},
	});
}

START_TEST(work_that_meets_nothing_is_done)
{
	bool ended = false;

	ck_assert(run(fill_first, mapped, LEN, &ended));
	ck_assert(ended);
	ck_assert_uint_eq(mapped[LEN - 1], 'f');
}
END_TEST

START_TEST(a_page_that_is_gone_is_an_answer_as_often_as_it_is_met)
{
	for (unsigned i = 0; i < 3; i++) {
		bool ended = false;

		ck_assert(!run(fill_both, mapped, (size_t)2 * LEN, &ended));
		ck_assert(!ended);
	}
	bool ended = false;
	ck_assert(run(fill_first, mapped, LEN, &ended));
}
END_TEST

static void *meet_it(void *context)
{
	bool ended = false;

	*(bool *)context = run(fill_both, mapped, (size_t)2 * LEN, &ended);
	return NULL;
}

START_TEST(each_thread_gets_its_own_answer)
{
	pthread_t threads[4];
	bool done[4];

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, meet_it, &done[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		ck_assert(!done[i]);
	}
}
END_TEST

/* The two below die of it. */

START_TEST(a_page_that_was_not_named_ends_the_process)
{
	bool ended = false;

	run(fill_both, mapped, LEN, &ended);
}
END_TEST

START_TEST(behind_the_work_it_ends_the_process)
{
	bool ended = false;

	run(fill_first, mapped, (size_t)2 * LEN, &ended);
	mapped[LEN] = 1;
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, work_that_meets_nothing_is_done);
	tcase_add_test(tcase, a_page_that_is_gone_is_an_answer_as_often_as_it_is_met);
	tcase_add_test(tcase, each_thread_gets_its_own_answer);
	tcase_add_test_raise_signal(tcase, a_page_that_was_not_named_ends_the_process, SIGBUS);
	tcase_add_test_raise_signal(tcase, behind_the_work_it_ends_the_process, SIGBUS);
}

int main(void)
{
	return suite_run("target/guarded", fill);
}
