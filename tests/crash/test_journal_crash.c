/*
 * Crashes of the journal, all of them: after every store call, with what was not synced lost, kept,
 * torn or reordered; with every call failing in turn; and whole files with every byte cut or
 * changed. Recovery must give the last acknowledged state or one that was under way, or, where
 * acknowledged bytes were damaged, refuse.
 *
 * test_journal_crash [--seed N] [--rounds N]
 * HOLDFAST_SEED and HOLDFAST_ROUNDS do the same. A round is one of each kind, with its own seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/journal_record.h"
#include "tests/crash/crash_workload.h"

#define DEFAULT_SEED   20240607
#define DEFAULT_ROUNDS 8

#define REPLAY_BATCHES 60  /* a workload whose every moment is a crash */
#define FAULT_BATCHES  28  /* a workload that is run again for each call that fails */
#define FAULT_HORIZON  9   /* crashes after so many more calls than the first that failed */
#define DAMAGE_BATCHES 14  /* a workload whose file is damaged */
#define REVIVE_EVERY   211 /* one in so many images goes on working after the recovery */

struct tally {
	uint64_t points; /* crash images and damaged files tried */
	uint64_t passed, failed;
	uint64_t random;
};

/* What is being tried, for the message when it goes wrong. */
struct attempt {
	const char *kind;
	uint64_t seed;
	size_t calls;	/* crash after so many */
	size_t variant; /* which loose call, byte, or bit */
};

static void fail(struct tally *tally, const struct attempt *attempt, const char *what,
		 const struct pr_journal_report *report)
{
	tally->failed++;
	if (tally->failed > 20)
		return;
	printf("FAILED %s: %s (seed %" PRIu64 ", calls %zu, variant %zu) health %s: %s\n",
	       attempt->kind, what, attempt->seed, attempt->calls, attempt->variant,
	       pr_journal_health_name(report->health), report->explanation);
}

/* ---- one image ---- */

/* After a recovery the journal must work, and lose nothing either. */
static void revive(struct tally *tally, const struct attempt *attempt, const struct bytes *image)
{
	struct workload_options options = {
		.seed = random_next(&tally->random),
		.batches = 4,
		.initial = image,
	};
	struct workload *workload = workload_run(&options);
	struct recovered recovered;

	recovered_open(&recovered, &workload->memory->seen);
	if (recovered.err != 0 ||
	    !workload_keeps(workload, workload_promise(workload, workload->memory->call_count),
			    recovered.state))
		fail(tally, attempt, "lost after going on", &recovered.report);
	recovered_close(&recovered);
	workload_free(&workload);
}

/* What APTPL = 0 does at power on. */
static bool power_on_dropped(const struct pr_state *state)
{
	return pr_state_aptpl(state) ||
	       (pr_state_count(state) == 0 && pr_state_reservation(state).type == PR_TYPE_NONE);
}

static void try_image(struct tally *tally, const struct attempt *attempt,
		      const struct workload *workload, const struct bytes *image)
{
	const struct promise *promise = workload_promise(workload, attempt->calls);
	uint64_t failed_before = tally->failed;
	struct recovered recovered;

	tally->points++;
	recovered_open(&recovered, image);
	if (recovered.err != 0)
		fail(tally, attempt, "refused", &recovered.report);
	else if (!power_on_dropped(recovered.state))
		fail(tally, attempt, "state without APTPL was kept", &recovered.report);
	else if (pr_state_check(recovered.state))
		fail(tally, attempt, pr_state_check(recovered.state), &recovered.report);
	else if (!workload_keeps(workload, promise, recovered.state))
		fail(tally, attempt, "not a promised state", &recovered.report);
	recovered_close(&recovered);
	if (tally->failed == failed_before) {
		tally->passed++;
		if (tally->points % REVIVE_EVERY == 0)
			revive(tally, attempt, image);
	}
}

static void try_crash(struct tally *tally, struct attempt *attempt, const struct workload *workload,
		      const struct memory_crash *crash, struct bytes *image)
{
	attempt->calls = crash->calls;
	store_memory_crash(workload->memory, crash, image);
	try_image(tally, attempt, workload, image);
}

/* ---- every crash at one moment ---- */

/* Where the loose calls of one moment are kept while it is played. */
struct moment {
	size_t *numbers;
	bool *lost;
	size_t loose;
	struct bytes image;
};

static void moment_init(struct moment *moment, const struct workload *workload)
{
	size_t room = workload->memory->call_count + 1;

	*moment = (struct moment){
		.numbers = calloc(room, sizeof *moment->numbers),
		.lost = calloc(room, sizeof *moment->lost),
	};
	if (!moment->numbers || !moment->lost)
		abort();
}

static void moment_free(struct moment *moment)
{
	free(moment->numbers);
	free(moment->lost);
	bytes_free(&moment->image);
}

static void lose(struct moment *moment, bool all)
{
	for (size_t i = 0; i < moment->loose; i++)
		moment->lost[i] = all;
}

static void try_all_or_nothing(struct tally *tally, struct attempt *attempt,
			       const struct workload *workload, struct moment *moment, size_t calls)
{
	struct memory_crash crash = {.calls = calls, .lost = moment->lost, .torn = SIZE_MAX};

	attempt->kind = "all or nothing";
	for (attempt->variant = 0; attempt->variant < 4; attempt->variant++) {
		lose(moment, (attempt->variant & 1) != 0);
		crash.size_kept = (attempt->variant & 2) != 0;
		if (moment->loose > 0 || attempt->variant == 0)
			try_crash(tally, attempt, workload, &crash, &moment->image);
	}
	crash.replace_done = true;
	if (calls < workload->memory->call_count &&
	    workload->memory->calls[calls].op == MEMORY_REPLACE)
		try_crash(tally, attempt, workload, &crash, &moment->image);
}

/* Each loose call lost alone: what came later is there. */
static void try_each_lost(struct tally *tally, struct attempt *attempt,
			  const struct workload *workload, struct moment *moment, size_t calls)
{
	struct memory_crash crash = {.calls = calls, .lost = moment->lost, .torn = SIZE_MAX};

	attempt->kind = "one lost";
	for (size_t i = 0; i < moment->loose; i++) {
		lose(moment, false);
		moment->lost[i] = true;
		attempt->variant = i;
		try_crash(tally, attempt, workload, &crash, &moment->image);
	}
}

static void try_random_lost(struct tally *tally, struct attempt *attempt,
			    const struct workload *workload, struct moment *moment, size_t calls)
{
	struct memory_crash crash = {.calls = calls, .lost = moment->lost, .torn = SIZE_MAX};

	attempt->kind = "some lost";
	for (attempt->variant = 0; moment->loose > 1 && attempt->variant < 6; attempt->variant++) {
		for (size_t i = 0; i < moment->loose; i++)
			moment->lost[i] = random_below(&tally->random, 2) != 0;
		crash.size_kept = random_below(&tally->random, 2) != 0;
		crash.torn_call = moment->numbers[random_below(&tally->random, moment->loose)];
		crash.torn = (size_t)random_below(&tally->random, 300);
		try_crash(tally, attempt, workload, &crash, &moment->image);
	}
}

/* The last loose write torn at every byte, its rest missing or zero. */
static void try_torn(struct tally *tally, struct attempt *attempt, const struct workload *workload,
		     struct moment *moment, size_t calls)
{
	struct memory_crash crash = {.calls = calls, .torn = SIZE_MAX};

	if (moment->loose == 0)
		return;
	crash.torn_call = moment->numbers[moment->loose - 1];
	const struct memory_call *call = &workload->memory->calls[crash.torn_call];
	if (call->op != MEMORY_WRITE || crash.torn_call + 1 < calls)
		return;
	attempt->kind = "torn";
	for (crash.torn = 0; crash.torn < call->data.len; crash.torn++) {
		attempt->variant = crash.torn;
		crash.size_kept = (crash.torn & 1) != 0;
		try_crash(tally, attempt, workload, &crash, &moment->image);
	}
}

static void try_moment(struct tally *tally, struct attempt *attempt,
		       const struct workload *workload, struct moment *moment, size_t calls,
		       bool every_byte)
{
	moment->loose = store_memory_loose(workload->memory, calls, moment->numbers);
	try_all_or_nothing(tally, attempt, workload, moment, calls);
	try_random_lost(tally, attempt, workload, moment, calls);
	if (every_byte) {
		try_each_lost(tally, attempt, workload, moment, calls);
		try_torn(tally, attempt, workload, moment, calls);
	}
}

static void replay_every_moment(struct tally *tally, uint64_t seed)
{
	struct workload_options options = {.seed = seed, .batches = REPLAY_BATCHES};
	struct workload *workload = workload_run(&options);
	struct attempt attempt = {.seed = seed};
	struct moment moment;

	moment_init(&moment, workload);
	for (size_t calls = 0; calls <= workload->memory->call_count; calls++)
		try_moment(tally, &attempt, workload, &moment, calls, true);
	moment_free(&moment);
	workload_free(&workload);
}

/* ---- every call failing in turn ---- */

static void fail_once(struct tally *tally, uint64_t seed, const struct memory_failure *failure)
{
	struct workload_options options = {
		.seed = seed,
		.batches = FAULT_BATCHES,
		.failure = *failure,
	};
	struct workload *workload = workload_run(&options);
	struct attempt attempt = {.seed = seed};
	struct moment moment;
	size_t end = failure->first + failure->count + FAULT_HORIZON;

	if (end > workload->memory->call_count)
		end = workload->memory->call_count;
	moment_init(&moment, workload);
	for (size_t calls = failure->first; calls <= end; calls++)
		try_moment(tally, &attempt, workload, &moment, calls, false);
	try_moment(tally, &attempt, workload, &moment, workload->memory->call_count, true);
	moment_free(&moment);
	workload_free(&workload);
}

static size_t calls_of(uint64_t seed)
{
	struct workload_options options = {.seed = seed, .batches = FAULT_BATCHES};
	struct workload *workload = workload_run(&options);
	size_t calls = workload->memory->call_count;

	workload_free(&workload);
	return calls;
}

static void fail_every_call(struct tally *tally, uint64_t seed)
{
	static const struct {
		int error;
		bool half_written;
		size_t count;
	} ways[] = {
		{-ENOSPC, false, 1}, {-ENOSPC, true, 2}, {-EIO, true, 1},
		{-EIO, false, 3},    {-EIO, true, 7},
	};
	size_t calls = calls_of(seed);

	for (size_t first = 0; first < calls; first++) {
		for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
			struct memory_failure failure = {
				.first = first,
				.count = ways[i].count,
				.error = ways[i].error,
				.half_written = ways[i].half_written,
			};
			fail_once(tally, seed, &failure);
		}
	}
}

/* ---- damaged files ---- */

/* How many bytes this file itself tells to have been durable. */
static size_t durable_by_its_own_word(const struct bytes *file)
{
	struct pr_file_header header;
	uint32_t seed;
	uint64_t durable;

	if (pr_file_header_decode(file->data, file->len, &header, &seed) != PR_FILE_HEADER_VALID)
		return 0;
	durable = header.durable_len;
	for (size_t at = PR_FILE_HEADER_LEN; at + PR_FRAME_HEADER_LEN <= file->len; at += 8) {
		struct pr_frame_header frame;
		if (pr_frame_header_decode(file->data + at, seed, &frame) &&
		    frame.synced_upto > durable)
			durable = frame.synced_upto;
	}
	return (size_t)durable;
}

/*
 * A file that was damaged in one place, first in byte `at`. Where acknowledged bytes are hit, it is
 * refused; elsewhere it gives a state that was there once.
 */
static void try_damaged(struct tally *tally, const struct attempt *attempt,
			const struct workload *workload, const struct bytes *file, bool must_refuse)
{
	uint64_t failed_before = tally->failed;
	struct recovered recovered;

	tally->points++;
	recovered_open(&recovered, file);
	if (must_refuse && recovered.err == 0)
		fail(tally, attempt, "damage was not noticed", &recovered.report);
	else if (recovered.err == 0 && !workload_knows(workload, recovered.state))
		fail(tally, attempt, "a state that never was", &recovered.report);
	else if (recovered.err != 0 && recovered.err != -EUCLEAN)
		fail(tally, attempt, "another error than damage", &recovered.report);
	for (size_t i = 0; i < recovered.memory->call_count; i++) {
		if (recovered.memory->calls[i].op != MEMORY_SYNC)
			fail(tally, attempt, "recovery wrote", &recovered.report);
	}
	recovered_close(&recovered);
	if (tally->failed == failed_before)
		tally->passed++;
}

static void cut_everywhere(struct tally *tally, struct attempt *attempt,
			   const struct workload *workload, const struct bytes *file)
{
	struct pr_file_header header;
	uint32_t seed;

	attempt->kind = "cut";
	if (pr_file_header_decode(file->data, file->len, &header, &seed) != PR_FILE_HEADER_VALID)
		abort();
	for (size_t len = 0; len < file->len; len++) {
		struct bytes cut = {.data = file->data, .len = len};
		attempt->variant = len;
		try_damaged(tally, attempt, workload, &cut, len > 0 && len < header.durable_len);
	}
}

static void change_everywhere(struct tally *tally, struct attempt *attempt,
			      const struct workload *workload, struct bytes *file)
{
	size_t durable = durable_by_its_own_word(file);

	attempt->kind = "changed";
	for (size_t at = 0; at < file->len; at++) {
		uint8_t was = file->data[at];
		for (unsigned way = 0; way < 10; way++) {
			uint8_t now = (uint8_t)(was ^ 1u << way);
			if (way == 8)
				now = was == 0 ? 0xff : 0;
			else if (way == 9)
				now = (uint8_t)(was + 1 + random_below(&tally->random, 255));
			file->data[at] = now;
			attempt->variant = 10 * at + way;
			try_damaged(tally, attempt, workload, file, at < durable);
		}
		file->data[at] = was;
	}
}

/* A stretch lost, as bad sectors lose it. */
static void wipe_stretches(struct tally *tally, struct attempt *attempt,
			   const struct workload *workload, const struct bytes *file)
{
	size_t durable = durable_by_its_own_word(file);
	struct bytes wiped = {0};

	attempt->kind = "wiped";
	for (attempt->variant = 0; attempt->variant < 300; attempt->variant++) {
		size_t from = (size_t)random_below(&tally->random, file->len);
		size_t len = 1 + (size_t)random_below(&tally->random, 600);
		if (len > file->len - from)
			len = file->len - from;
		bytes_copy(&wiped, file);
		memset(wiped.data + from, attempt->variant % 2 == 0 ? 0 : 0xff, len);
		while (from < file->len && wiped.data[from] == file->data[from])
			from++; /* zeros that were zeros before */
		/*
		 * The wipe may have taken with it what told that its first byte was durable; only
		 * what is still told must be noticed. A file header tells it of itself.
		 */
		bool hit = from < durable &&
			   (from < PR_FILE_HEADER_LEN || durable_by_its_own_word(&wiped) > from);
		try_damaged(tally, attempt, workload, &wiped, hit);
	}
	bytes_free(&wiped);
}

static void damage_a_file(struct tally *tally, uint64_t seed)
{
	struct workload_options options = {
		.seed = seed,
		.batches = DAMAGE_BATCHES,
		.always_persistent = true,
	};
	struct workload *workload = workload_run(&options);
	struct attempt attempt = {.seed = seed};
	struct bytes file = {0};

	bytes_copy(&file, &workload->memory->seen);
	attempt.calls = workload->memory->call_count;
	attempt.kind = "acknowledged";
	/* All of it was synced, and the file must say so: but for the mark that says it. */
	if (file.len - durable_by_its_own_word(&file) > PR_FRAME_HEADER_LEN)
		fail(tally, &attempt, "not known as durable", &(struct pr_journal_report){0});
	cut_everywhere(tally, &attempt, workload, &file);
	change_everywhere(tally, &attempt, workload, &file);
	wipe_stretches(tally, &attempt, workload, &file);
	bytes_free(&file);
	workload_free(&workload);
}

/* ---- main ---- */

static uint64_t number_of(const char *text, const char *what)
{
	char *end = NULL;

	errno = 0;
	uint64_t number = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0') {
		fprintf(stderr, "test_journal_crash: %s is no number: %s\n", what, text);
		exit(2);
	}
	return number;
}

static uint64_t option(int argc, char **argv, const char *name, const char *variable,
		       uint64_t otherwise)
{
	const char *value = getenv(variable);

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], name) == 0)
			value = argv[i + 1];
	}
	return value ? number_of(value, name) : otherwise;
}

int main(int argc, char **argv)
{
	uint64_t seed = option(argc, argv, "--seed", "HOLDFAST_SEED", DEFAULT_SEED);
	uint64_t rounds = option(argc, argv, "--rounds", "HOLDFAST_ROUNDS", DEFAULT_ROUNDS);
	struct tally replay = {.random = seed}, faults = {.random = seed},
		     damage = {.random = seed};

	for (uint64_t round = 0; round < rounds; round++) {
		replay_every_moment(&replay, seed + round);
		fail_every_call(&faults, seed + round);
		damage_a_file(&damage, seed + round);
	}
	printf("seed %" PRIu64 ", %" PRIu64 " rounds\n", seed, rounds);
	printf("crash points: %" PRIu64 " after a call, %" PRIu64 " after a call that failed\n",
	       replay.points, faults.points);
	printf("damaged files: %" PRIu64 "\n", damage.points);
	uint64_t failed = replay.failed + faults.failed + damage.failed;
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n",
	       replay.passed + faults.passed + damage.passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
