/*
 * kill -9 at random moments while several initiators register, reserve and write; after each
 * restart everything that got GOOD must be there.
 *
 * Each initiator changes only its own key, so what must be found for it after a crash is exactly
 * the key that was last acknowledged, or the one that was in flight. A reservation that an
 * initiator was given, and has not begun to give up, must still be its own. Its last acknowledged
 * write with FUA must be on the disk.
 *
 * HOLDFAST_KILLS: how many times (default 200). HOLDFAST_SEED: the seed; it is always printed.
 */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "pr_engine/types.h"

#define WORKERS	       4
#define KILLS	       200
#define KILL_WITHIN_US 80000
#define HOLD_TYPE      PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY

enum holding {
	HOLDS_NOT = 0,
	HOLDS,
	HOLDS_PERHAPS
};

struct worker {
	const struct daemon *daemon;
	pthread_t thread;
	unsigned number;
	unsigned seed;
	char name[64];
	/* What the target has told, or may have done: */
	uint64_t key;	/* acknowledged; 0: not registered */
	bool in_flight; /* the last REGISTER had no answer */
	uint64_t in_flight_key;
	enum holding holding;
	uint32_t written;	  /* value of the last acknowledged write; 0: none */
	uint32_t written_perhaps; /* of the write without an answer; 0: none */
	unsigned long acknowledged;
};

static unsigned next_random(struct worker *worker)
{
	return (unsigned)rand_r(&worker->seed);
}

/* Changes the key. False: the connection is gone. */
static bool change_key(struct worker *worker, struct iscsi_context *initiator, uint64_t new_key)
{
	enum holding before = worker->holding;

	if (new_key == 0 && before != HOLDS_NOT)
		worker->holding = HOLDS_PERHAPS; /* unregistering gives the reservation up */
	worker->in_flight = true;
	worker->in_flight_key = new_key;
	int status = initiator_pr_out(initiator, 0, PR_OUT_REGISTER, 0, worker->key, new_key, true)
			     .status;
	if (status < 0)
		return false;
	worker->in_flight = false;
	if (status == SCSI_STATUS_GOOD) {
		worker->key = new_key;
		worker->acknowledged++;
		if (new_key == 0)
			worker->holding = HOLDS_NOT;
	} else {
		worker->holding = before;
	}
	return true;
}

/*
 * A unit attention (another one's release, say) comes instead of the command: nothing was done. It
 * may come even while holding, when the other's release and our reserve were committed together.
 */
static bool reserve(struct worker *worker, struct iscsi_context *initiator)
{
	enum holding before = worker->holding;

	if (before == HOLDS_NOT)
		worker->holding = HOLDS_PERHAPS;
	int status =
		initiator_pr_out(initiator, 0, PR_OUT_RESERVE, HOLD_TYPE, worker->key, 0, false)
			.status;
	if (status < 0)
		return false;
	worker->holding = before;
	if (status == SCSI_STATUS_RESERVATION_CONFLICT)
		worker->holding = HOLDS_NOT;
	if (status == SCSI_STATUS_GOOD) {
		worker->holding = HOLDS;
		worker->acknowledged++;
	}
	return true;
}

static bool release(struct worker *worker, struct iscsi_context *initiator)
{
	enum holding before = worker->holding;

	if (before == HOLDS)
		worker->holding = HOLDS_PERHAPS;
	int status =
		initiator_pr_out(initiator, 0, PR_OUT_RELEASE, HOLD_TYPE, worker->key, 0, false)
			.status;
	if (status < 0)
		return false;
	worker->holding = status == SCSI_STATUS_GOOD ? HOLDS_NOT : before;
	return true;
}

/* One block of its own, with FUA. */
static bool write_block(struct worker *worker, struct iscsi_context *initiator)
{
	uint8_t block[512] = {0};
	uint8_t cdb[10] = {0x2a, 0x08};
	uint32_t value = next_random(worker) | 1;

	put_be32(block, value);
	put_be32(cdb + 2, worker->number);
	cdb[8] = 1;
	worker->written_perhaps = value;
	int status =
		initiator_command(initiator, 0, cdb, sizeof(cdb), block, sizeof(block), 0).status;
	if (status < 0)
		return false;
	worker->written_perhaps = 0;
	if (status == SCSI_STATUS_GOOD) {
		worker->written = value;
		worker->acknowledged++;
	}
	return true;
}

static bool one_step(struct worker *worker, struct iscsi_context *initiator)
{
	unsigned choice = next_random(worker) % 8;

	if (worker->key == 0 || choice < 2)
		return change_key(worker, initiator,
				  (uint64_t)(worker->number + 1) << 32 | (next_random(worker) | 1));
	if (choice == 2)
		return change_key(worker, initiator, 0);
	if (choice < 5)
		return reserve(worker, initiator);
	if (choice == 5)
		return release(worker, initiator);
	return write_block(worker, initiator);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct login_options options = {.name = worker->name, .isid = 1};
	struct iscsi_context *initiator = initiator_try_login(worker->daemon, &options);

	if (!initiator)
		return NULL;
	if (initiator_drain(initiator, 0) >= 0)
		while (one_step(worker, initiator))
			;
	initiator_cut(&initiator);
	return NULL;
}

/* What READ FULL STATUS shows for one initiator. */
struct shown {
	uint64_t key;
	bool holder;
};

static struct shown shown_of(const struct answer *full, const char *name)
{
	struct shown shown = {0};
	size_t end = 8 + get_be32(full->data + 4);

	ck_assert_uint_le(end, sizeof(full->data));
	for (size_t at = 8; at < end;) {
		const uint8_t *descriptor = full->data + at;
		size_t name_len = strlen(name);
		if (memcmp(descriptor + 24 + 4, name, name_len) == 0 &&
		    descriptor[24 + 4 + name_len] == ',') {
			ck_assert_uint_eq(shown.key, 0); /* nobody is listed twice */
			shown.key = get_be64(descriptor);
			shown.holder = (descriptor[12] & 1) != 0;
		}
		at += 24 + get_be32(descriptor + 20);
	}
	return shown;
}

static void verify(struct worker *worker, struct iscsi_context *checker, const struct answer *full)
{
	struct shown shown = shown_of(full, worker->name);
	uint8_t block[512];

	ck_assert_msg(shown.key == worker->key ||
			      (worker->in_flight && shown.key == worker->in_flight_key),
		      "%s: key 0x%llx was acknowledged, 0x%llx is there", worker->name,
		      (unsigned long long)worker->key, (unsigned long long)shown.key);
	ck_assert_msg(worker->holding != HOLDS || shown.holder,
		      "%s was given the reservation and does not hold it", worker->name);
	ck_assert_msg(worker->holding != HOLDS_NOT || !shown.holder,
		      "%s holds a reservation that it has not or no more", worker->name);
	ck_assert_int_eq(initiator_read(checker, 0, worker->number, block, 1), 0);
	uint32_t value = get_be32(block);
	ck_assert_msg(value == worker->written ||
			      (worker->written_perhaps != 0 && value == worker->written_perhaps),
		      "%s: write %x was acknowledged, %x is there", worker->name, worker->written,
		      value);
	/* From here on, what is there is what counts. */
	worker->key = shown.key;
	worker->in_flight = false;
	worker->holding = shown.holder ? HOLDS : HOLDS_NOT;
	worker->written = value;
	worker->written_perhaps = 0;
}

static void verify_all(const struct daemon *daemon, struct worker *workers)
{
	struct iscsi_context *checker = initiator_login(daemon, "iqn.2026-11.test:checker", 1);

	ck_assert_int_eq(initiator_drain(checker, 0), SCSI_STATUS_GOOD);
	struct answer full = initiator_pr_in(checker, 0, PR_IN_READ_FULL_STATUS);
	ck_assert_int_eq(full.status, SCSI_STATUS_GOOD);
	for (int i = 0; i < WORKERS; i++)
		verify(&workers[i], checker, &full);
	initiator_logout(&checker);
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
	const char *value = getenv(name);
	return value ? (unsigned)strtoul(value, NULL, 0) : otherwise;
}

START_TEST(whatever_got_good_is_there_after_kill_9)
{
	static const char *const args[] = {"--profile", "spc4", "--size", "16M", NULL};
	struct daemon daemon;
	struct worker workers[WORKERS] = {0};
	unsigned kills = from_environment("HOLDFAST_KILLS", KILLS);
	unsigned seed = from_environment("HOLDFAST_SEED", (unsigned)time(NULL));
	unsigned long acknowledged = 0;

	printf("seed %u, %u kills\n", seed, kills);
	fflush(stdout);
	daemon_start(&daemon, "127.0.0.1:0", args);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.daemon = &daemon, .number = i, .seed = seed + i};
		snprintf(workers[i].name, sizeof(workers[i].name), "iqn.2026-11.test:worker%u", i);
	}
	for (unsigned n = 0; n < kills; n++) {
		for (int i = 0; i < WORKERS; i++)
			ck_assert_int_eq(
				pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
		usleep((useconds_t)((unsigned)rand_r(&seed) % KILL_WITHIN_US));
		daemon_kill(&daemon);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(workers[i].thread, NULL);
		daemon_restart(&daemon);
		verify_all(&daemon, workers);
	}
	for (int i = 0; i < WORKERS; i++)
		acknowledged += workers[i].acknowledged;
	printf("%u kills, %lu acknowledged changes, none lost\n", kills, acknowledged);
	ck_assert_uint_gt(acknowledged, kills);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, whatever_got_good_is_there_after_kill_9);
}

int main(void)
{
	return suite_run("integration/kill", fill);
}
