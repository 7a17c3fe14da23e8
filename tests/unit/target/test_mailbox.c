/* Letters between loops. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "target/mailbox.h"
#include "tests/support/suite.h"

#define SENDERS 3
#define LETTERS 2000

struct numbered {
	struct scsi_letter letter;
	unsigned sender, number;
};

static unsigned wakes, delivered;
static unsigned last[SENDERS];
static struct scsi_mailbox *box;
static atomic_uint bells;

static void count_wake(void *context)
{
	(void)context;
	wakes++;
}

static void check_order(struct scsi_letter *letter)
{
	struct numbered *numbered = (struct numbered *)letter;

	ck_assert_uint_eq(numbered->number, last[numbered->sender] + 1);
	last[numbered->sender] = numbered->number;
	delivered++;
	free(numbered);
}

static void post(struct scsi_line *line, unsigned sender, unsigned number)
{
	struct numbered *numbered = calloc(1, sizeof(*numbered));

	ck_assert_ptr_nonnull(numbered);
	numbered->letter.deliver = check_order;
	numbered->sender = sender;
	numbered->number = number;
	scsi_line_post(line, &numbered->letter);
}

START_TEST(letters_leave_with_the_flush_and_wake_once)
{
	box = scsi_mailbox_create(count_wake, NULL);
	struct scsi_line line = {.to = box};

	post(&line, 0, 1);
	post(&line, 0, 2);
	ck_assert(!scsi_mailbox_open(box));
	scsi_line_flush(&line);
	post(&line, 0, 3);
	scsi_line_flush(&line);
	ck_assert_uint_eq(wakes, 1);
	ck_assert(scsi_mailbox_open(box));
	ck_assert_uint_eq(delivered, 3);
	ck_assert(!scsi_mailbox_open(box));
	post(&line, 0, 4);
	scsi_line_flush(&line);
	ck_assert_uint_eq(wakes, 2);
	scsi_mailbox_open(box);
	scsi_mailbox_free(&box);
}
END_TEST

START_TEST(an_empty_line_wakes_nobody)
{
	box = scsi_mailbox_create(count_wake, NULL);
	struct scsi_line line = {.to = box};

	scsi_line_flush(&line);
	ck_assert_uint_eq(wakes, 0);
	scsi_mailbox_free(&box);
}
END_TEST

static void ring(void *context)
{
	(void)context;
	atomic_fetch_add(&bells, 1);
}

static void *send_all(void *context)
{
	const unsigned *sender = context;
	struct scsi_line line = {.to = box};

	for (unsigned i = 1; i <= LETTERS; i++) {
		post(&line, *sender, i);
		if (i % 7 == 0)
			scsi_line_flush(&line);
	}
	scsi_line_flush(&line);
	return NULL;
}

/* Whoever sees the bell and then opens finds everything in the end. */
START_TEST(nothing_is_lost_or_overtaken_between_threads)
{
	pthread_t threads[SENDERS];
	unsigned numbers[SENDERS], seen = 0;

	box = scsi_mailbox_create(ring, NULL);
	for (unsigned i = 0; i < SENDERS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, &numbers[i]), 0);
	}
	while (delivered < SENDERS * LETTERS) {
		if (atomic_load(&bells) == seen)
			continue;
		seen = atomic_load(&bells);
		scsi_mailbox_open(box);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	scsi_mailbox_free(&box);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, letters_leave_with_the_flush_and_wake_once);
	tcase_add_test(tcase, an_empty_line_wakes_nobody);
	tcase_add_test(tcase, nothing_is_lost_or_overtaken_between_threads);
}

int main(void)
{
	return suite_run("target/mailbox", fill);
}
