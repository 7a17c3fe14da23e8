/*
 * kill -9 in the middle of writes that are stored through a mapping: after the restart no block is
 * half of one write and half of another. A system call is not stopped halfway, a copy by the
 * daemon's own hands is: target/in_flight.h.
 *
 * HOLDFAST_KILLS: how many times (default 40). HOLDFAST_SEED: the seed; it is always printed.
 */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	       4
#define KILLS	       40
#define KILL_WITHIN_US 60000
#define WARM_US	       40000 /* until they are stored */
#define WRITE_BLOCKS   128
#define BLOCK	       512
#define WRITE_LEN      (WRITE_BLOCKS * BLOCK)
#define PAGE_BLOCKS    8 /* what a system call writes whole or not at all */

struct worker {
	const struct daemon *daemon;
	pthread_t thread;
	uint32_t lba;
	char name[64];
	unsigned long writes;
};

static void *work(void *context)
{
	struct worker *worker = context;
	struct login_options options = {.name = worker->name, .isid = 1};
	struct iscsi_context *initiator = initiator_try_login(worker->daemon, &options);
	static _Thread_local uint8_t data[WRITE_LEN];

	if (!initiator)
		return NULL;
	if (initiator_drain(initiator, 0) >= 0)
		do
			memset(data, (int)(++worker->writes & 0xff), sizeof(data));
		while (initiator_write(initiator, 0, worker->lba, data, WRITE_BLOCKS).status == 0);
	initiator_cut(&initiator);
	return NULL;
}

static unsigned torn_pages(const uint8_t *data)
{
	unsigned torn = 0;

	for (size_t at = 0; at < WRITE_LEN; at += (size_t)PAGE_BLOCKS * BLOCK)
		torn += memcmp(data + at, data + at + 1, (size_t)PAGE_BLOCKS * BLOCK - 1) != 0;
	return torn;
}

/* As the dead daemon has left the disk. */
static unsigned torn_on_disk(const struct daemon *daemon)
{
	uint8_t data[WRITE_LEN];
	char path[512];
	unsigned torn = 0;

	snprintf(path, sizeof(path), "%s/disks/%s/lun0.img", daemon->folder, daemon->target);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (uint64_t i = 0; i < WORKERS; i++) {
		ck_assert_int_eq((int)pread(fd, data, sizeof(data), (off_t)(i * WRITE_LEN)),
				 WRITE_LEN);
		torn += torn_pages(data);
	}
	close(fd);
	return torn;
}

static void assert_none_torn(const struct daemon *daemon)
{
	struct iscsi_context *checker = initiator_login(daemon, "iqn.2026-11.test:checker", 1);
	uint8_t data[WRITE_LEN];

	ck_assert_int_eq(initiator_drain(checker, 0), SCSI_STATUS_GOOD);
	for (uint32_t i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(initiator_read(checker, 0, i * WRITE_BLOCKS, data, WRITE_BLOCKS),
				 0);
		ck_assert_uint_eq(torn_pages(data), 0);
	}
	initiator_logout(&checker);
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
	const char *value = getenv(name);
	return value ? (unsigned)strtoul(value, NULL, 0) : otherwise;
}

START_TEST(no_block_is_left_half_written_by_kill_9)
{
	static const char *const args[] = {"--size", "16M", NULL};
	struct daemon daemon;
	struct worker workers[WORKERS] = {0};
	unsigned kills = from_environment("HOLDFAST_KILLS", KILLS);
	unsigned seed = from_environment("HOLDFAST_SEED", (unsigned)time(NULL));
	unsigned torn = 0;
	unsigned long writes = 0;

	printf("seed %u, %u kills\n", seed, kills);
	fflush(stdout);
	daemon_start(&daemon, "127.0.0.1:0", args);
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.daemon = &daemon, .lba = i * WRITE_BLOCKS};
		snprintf(workers[i].name, sizeof(workers[i].name), "iqn.2026-11.test:worker%u", i);
	}
	for (unsigned n = 0; n < kills; n++) {
		for (int i = 0; i < WORKERS; i++)
			ck_assert_int_eq(
				pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
		usleep((useconds_t)(WARM_US + (unsigned)rand_r(&seed) % KILL_WITHIN_US));
		daemon_kill(&daemon);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(workers[i].thread, NULL);
		torn += torn_on_disk(&daemon);
		daemon_restart(&daemon);
		assert_none_torn(&daemon);
	}
	for (int i = 0; i < WORKERS; i++)
		writes += workers[i].writes;
	printf("%u kills, %lu writes, %u pages left half written and mended\n", kills, writes,
	       torn);
	ck_assert_uint_gt(writes, kills);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, no_block_is_left_half_written_by_kill_9);
}

int main(void)
{
	return suite_run("integration/torn", fill);
}
