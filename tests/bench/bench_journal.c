/*
 * How long does a start take with a long journal? (Promise: 1,000,000 records in under a second.)
 *
 * Writes two journals and opens each as a daemon does: from its file, not from the page cache where
 * the kernel is willing to forget it.
 *  - a file of 1,000,000 records, each behind a sync of its own and so with a mark behind it, of
 *    the kinds that PERSISTENT RESERVE OUT leaves, on a LUN with 16,384 initiator ports;
 *  - what 1,000,000 commands leave behind that went through the journal itself, which compacts.
 * Prints the quickest and the median of the openings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "pr_engine/journal_record.h"

#define RECORDS	  1000000u
#define PORTS	  16384u
#define OPENINGS  5
#define BATCH	  64u
#define CHUNK_LEN ((size_t)1 << 20)
#define HISTORY	  4096

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench_journal: %s\n", what);
	exit(EXIT_FAILURE);
}

static struct pr_state *state_new(void)
{
	return pr_state_init(calloc(1, pr_state_size(PORTS)), PORTS, 0x5eed);
}

/* ---- what the records tell ---- */

static struct pr_nexus_id port_nexus(uint32_t port)
{
	struct pr_nexus_id nexus = {.relative_target_port_id = 1};

	snprintf(nexus.initiator_name, sizeof(nexus.initiator_name),
		 "iqn.2026-11.bench:initiator-%u", port);
	return nexus;
}

/*
 * The change of record `number`, 1 and up: a round begins with nobody registered; all ports
 * register, then each in turn changes its key, reserves, and releases, and then all go.
 */
static struct pr_change record_change(uint32_t number)
{
	uint32_t round_len = 5 * PORTS, round = (number - 1) / round_len;
	uint32_t at = (number - 1) % round_len, port = at % PORTS;
	uint64_t id = (uint64_t)round * PORTS + port + 1;
	struct pr_stamp since = {.time_ms = number, .sequence = number};

	switch (at / PORTS) {
	case 0:
		return (struct pr_change){.op = PR_CHANGE_ADD,
					  .registration_id = id,
					  .key = number,
					  .since = since,
					  .nexus = port_nexus(port)};
	case 1:
		return (struct pr_change){
			.op = PR_CHANGE_SET_KEY, .registration_id = id, .key = number};
	case 2:
	case 3:
		if (number % 2 == 0)
			return (struct pr_change){.op = PR_CHANGE_RELEASE};
		return (struct pr_change){.op = PR_CHANGE_RESERVE,
					  .type = PR_TYPE_WRITE_EXCLUSIVE,
					  .registration_id = id,
					  .since = since};
	default:
		return (struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = id};
	}
}

static struct pr_journal_meta record_meta(uint32_t number)
{
	return (struct pr_journal_meta){
		.event = PR_EVENT_PR_OUT,
		.time_ms = number,
		.generation = number,
		.service_action_key = number,
		.nexus = port_nexus((number - 1) % PORTS),
	};
}

static size_t change_encode(const struct pr_change *change, uint8_t *changes, size_t cap)
{
	struct byte_writer out = byte_writer_over(changes, cap);

	pr_change_encode(change, &out);
	must(!out.overflow, "a change is too long");
	return out.len;
}

/* ---- a file that nobody has compacted ---- */

struct author {
	FILE *file;
	uint64_t end;
	uint32_t seed;
};

static void author_put(struct author *author, uint8_t *frame)
{
	size_t len = pr_frame_len(frame);

	pr_frame_seal(frame, author->seed, author->end);
	must(fwrite(frame, 1, len, author->file) == len, "the journal cannot be written");
	author->end += len;
}

static void author_record(struct author *author, const struct pr_journal_meta *meta,
			  uint64_t sequence, const struct pr_change *change)
{
	uint8_t changes[PR_CHANGE_ENCODED_MAX], frame[2048], mark[PR_FRAME_HEADER_LEN];
	size_t len = change_encode(change, changes, sizeof(changes));

	pr_frame_record_encode(meta, sequence, changes, len, frame);
	author_put(author, frame);
	pr_frame_mark_encode(sequence, mark);
	author_put(author, mark);
}

static void author_begin(struct author *author, const char *path)
{
	struct pr_journal_meta meta = {.event = PR_EVENT_SNAPSHOT};
	struct pr_file_header header = {.epoch = 1, .durable_len = PR_FILE_HEADER_LEN};
	struct pr_change aptpl = {.op = PR_CHANGE_APTPL, .aptpl = true};
	uint8_t bytes[PR_FILE_HEADER_LEN], changes[PR_CHANGE_ENCODED_MAX];
	size_t len = change_encode(&aptpl, changes, sizeof(changes));

	author->file = fopen(path, "wb");
	must(author->file != NULL, "the journal cannot be created");
	header.durable_len += pr_frame_record_len(&meta, len);
	author->seed = pr_file_header_encode(&header, bytes);
	must(fwrite(bytes, 1, sizeof(bytes), author->file) == sizeof(bytes), "no file header");
	author->end = sizeof(bytes);

	uint8_t frame[256];
	pr_frame_record_encode(&meta, 1, changes, len, frame);
	author_put(author, frame);
}

static void write_whole(const char *path)
{
	struct author author = {0};

	author_begin(&author, path);
	for (uint32_t number = 1; number <= RECORDS; number++) {
		struct pr_journal_meta meta = record_meta(number);
		struct pr_change change = record_change(number);
		author_record(&author, &meta, number + 1, &change);
	}
	must(fclose(author.file) == 0, "the journal cannot be written");
}

/* ---- what the journal leaves of as many commands ---- */

static void write_batch(struct pr_journal *journal, struct pr_state *state, uint32_t first)
{
	must(pr_journal_begin(journal, state) == 0, "out of memory");
	for (uint32_t number = first; number < first + BATCH && number <= RECORDS; number++) {
		uint8_t changes[PR_CHANGE_ENCODED_MAX];
		struct pr_journal_meta meta = record_meta(number);
		struct pr_change change = record_change(number);
		size_t len = change_encode(&change, changes, sizeof(changes));

		must(pr_journal_add(journal, &meta, changes, len) == 0, "out of memory");
		must(pr_state_apply(state, &change), "a change makes no sense");
	}
	int result = pr_journal_run(journal, false);
	must(result == 0, "the journal cannot be written");
	pr_journal_end(journal, result);
}

static void write_compacted(const char *path)
{
	struct pr_state *state = state_new();
	struct pr_change aptpl = {.op = PR_CHANGE_APTPL, .aptpl = true};
	struct pr_journal_report report;
	struct pr_journal *journal;
	struct pr_store *store;

	must(pr_store_posix_open(path, &store) == 0, "no store");
	must(pr_journal_open(store, NULL, 0, HISTORY, state, &report, &journal) == 0, "no journal");
	must(pr_state_apply(state, &aptpl), "no APTPL");
	for (uint32_t number = 1; number <= RECORDS; number += BATCH)
		write_batch(journal, state, number);
	pr_journal_free(&journal);
	store->ops->close(store);
	free(state);
}

/* ---- opening ---- */

static double open_once(const char *path, struct pr_journal_report *ret_report)
{
	struct pr_state *state = state_new();
	struct pr_journal *journal;
	struct pr_store *store;
	double begin = now_ms();

	must(pr_store_posix_open(path, &store) == 0, "no store");
	must(pr_journal_open(store, NULL, 0, HISTORY, state, ret_report, &journal) == 0,
	     "the journal does not open");
	double cost = now_ms() - begin;
	must(pr_state_check(state) == NULL, "the state is wrong");
	pr_journal_free(&journal);
	store->ops->close(store);
	free(state);
	return cost;
}

static void measure(const char *what, const char *path)
{
	struct pr_journal_report report;
	double cost[OPENINGS];

	(void)open_once(path, &report); /* writes back what is dirty */
	for (int i = 0; i < OPENINGS; i++)
		cost[i] = open_once(path, &report);
	qsort(cost, OPENINGS, sizeof(cost[0]), by_value);
	printf("  %-32s %9llu records, %7.1f MB: %7.1f ms, median %7.1f ms\n", what,
	       (unsigned long long)report.records, (double)report.size / 1e6, cost[0],
	       cost[OPENINGS / 2]);
}

int main(void)
{
	char folder[] = "/tmp/holdfast-bench-XXXXXX", path[64], lock[80];

	must(mkdtemp(folder) != NULL, "no temporary folder");
	snprintf(path, sizeof(path), "%s/journal", folder);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	printf("opening a journal (promised: 1,000,000 records in under 1,000 ms)\n");
	write_whole(path);
	measure("a record for each command", path);
	unlink(path);
	write_compacted(path);
	measure("after 1,000,000 commands", path);
	unlink(path);
	unlink(lock);
	rmdir(folder);
	return EXIT_SUCCESS;
}
