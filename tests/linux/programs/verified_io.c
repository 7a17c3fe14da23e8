/*
 * Verified I/O on a block device, past every cache: some threads write and read blocks at random,
 * each in a share of its own, and what is read has to be what was last acknowledged.
 *
 * usage: verified_io DEVICE FIRST-BLOCK BLOCKS THREADS PROGRESS-FILE
 *
 * Runs until PROGRESS-FILE.stop exists or a thread met an error. PROGRESS-FILE holds the number of
 * finished operations, several times a second. At the end every block is read once more, as far as
 * blocks can be read. Prints one
 * line, "writes N reads N errors N mismatches N longest_ms N", with the first error's name behind
 * it; the exit status is 0 when there were neither errors nor mismatches.
 *
 * A block is 4096 bytes: generation and number, over and over, so that a block that is torn, stale
 * or someone else's is not taken for a good one. A block whose write failed may hold either
 * content.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define WORDS	    (BLOCK_BYTES / sizeof(uint64_t))
#define THREADS_MAX 32
#define BLOCKS_MAX  65536
#define PROGRESS_NS 100000000L
#define READ_ONE_IN 4

struct share {
	pthread_t thread;
	int fd;
	uint64_t first, count; /* blocks */
	uint64_t seed;
	uint64_t *acknowledged; /* generation of each block; 0: never written */
	bool *doubtful;		/* a write failed: either content is right */
	uint64_t writes, reads, errors, mismatches, longest_ns;
	int first_errno;
};

static atomic_bool stopping;
static atomic_ullong operations;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t random_next(uint64_t *seed) /* xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void fill(uint64_t *block, uint64_t number, uint64_t generation)
{
	for (size_t i = 0; i < WORDS; i += 2) {
		block[i] = generation;
		block[i + 1] = number;
	}
}

static bool failed(struct share *share, ssize_t result)
{
	if (result == BLOCK_BYTES)
		return false;
	if (!share->errors)
		share->first_errno = result < 0 ? errno : EIO;
	share->errors++;
	atomic_store(&stopping, true);
	return true;
}

static void write_one(struct share *share, uint64_t *block, uint64_t at)
{
	uint64_t generation = share->acknowledged[at] + 1;

	fill(block, share->first + at, generation);
	share->writes++;
	if (failed(share, pwrite(share->fd, block, BLOCK_BYTES,
				 (off_t)((share->first + at) * BLOCK_BYTES))))
		share->doubtful[at] = true;
	else
		share->acknowledged[at] = generation;
}

/* Fails when the block could not be read. */
static bool read_one(struct share *share, uint64_t *block, uint64_t at)
{
	uint64_t wanted[WORDS];

	if (!share->acknowledged[at] || share->doubtful[at])
		return true;
	share->reads++;
	if (failed(share, pread(share->fd, block, BLOCK_BYTES,
				(off_t)((share->first + at) * BLOCK_BYTES))))
		return false;
	fill(wanted, share->first + at, share->acknowledged[at]);
	if (memcmp(wanted, block, BLOCK_BYTES) != 0)
		share->mismatches++;
	return true;
}

static void *work(void *arg)
{
	struct share *share = arg;
	uint64_t *block;

	if (posix_memalign((void **)&block, BLOCK_BYTES, BLOCK_BYTES) != 0)
		abort();
	while (!atomic_load(&stopping)) {
		uint64_t begun = now_ns(), at = random_next(&share->seed) % share->count;

		if (share->seed % READ_ONE_IN == 0)
			read_one(share, block, at);
		else
			write_one(share, block, at);
		if (now_ns() - begun > share->longest_ns)
			share->longest_ns = now_ns() - begun;
		atomic_fetch_add(&operations, 1);
	}
	free(block);
	return NULL;
}

static void verify(struct share *share)
{
	uint64_t *block;

	if (posix_memalign((void **)&block, BLOCK_BYTES, BLOCK_BYTES) != 0)
		abort();
	for (uint64_t at = 0; at < share->count; at++) {
		if (!read_one(share, block, at))
			break;
	}
	free(block);
}

/* Shows the progress until it is time to stop. */
static void watch(const char *progress)
{
	char stop[256];
	struct timespec pause = {.tv_nsec = PROGRESS_NS};

	snprintf(stop, sizeof(stop), "%s.stop", progress);
	while (!atomic_load(&stopping)) {
		FILE *f = fopen(progress, "we");

		if (f) {
			fprintf(f, "%llu\n", atomic_load(&operations));
			fclose(f);
		}
		nanosleep(&pause, NULL);
		if (access(stop, F_OK) == 0)
			atomic_store(&stopping, true);
	}
}

static int summary(const struct share *shares, int threads)
{
	struct share sum = {0};

	for (int i = 0; i < threads; i++) {
		sum.writes += shares[i].writes;
		sum.reads += shares[i].reads;
		sum.errors += shares[i].errors;
		sum.mismatches += shares[i].mismatches;
		if (shares[i].longest_ns > sum.longest_ns)
			sum.longest_ns = shares[i].longest_ns;
		if (!sum.first_errno)
			sum.first_errno = shares[i].first_errno;
	}
	printf("writes %llu reads %llu errors %llu mismatches %llu longest_ms %llu%s%s\n",
	       (unsigned long long)sum.writes, (unsigned long long)sum.reads,
	       (unsigned long long)sum.errors, (unsigned long long)sum.mismatches,
	       (unsigned long long)sum.longest_ns / 1000000, sum.first_errno ? " " : "",
	       sum.first_errno ? strerrorname_np(sum.first_errno) : "");
	return sum.errors || sum.mismatches;
}

static bool open_share(struct share *share, const char *device, uint64_t first, uint64_t count,
		       uint64_t seed)
{
	share->fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	share->first = first;
	share->count = count;
	share->seed = seed;
	share->acknowledged = calloc(count, sizeof(*share->acknowledged));
	share->doubtful = calloc(count, sizeof(*share->doubtful));
	return share->fd >= 0 && share->acknowledged && share->doubtful;
}

int main(int argc, char **argv)
{
	static struct share shares[THREADS_MAX];
	uint64_t first = argc == 6 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t blocks = argc == 6 ? strtoull(argv[3], NULL, 0) : 0;
	int threads = argc == 6 ? atoi(argv[4]) : 0;

	if (threads < 1 || threads > THREADS_MAX || blocks < (uint64_t)threads ||
	    blocks > BLOCKS_MAX) {
		fprintf(stderr, "usage: verified_io DEVICE FIRST BLOCKS THREADS PROGRESS-FILE\n");
		return 2;
	}
	uint64_t each = blocks / (uint64_t)threads;
	for (int i = 0; i < threads; i++) {
		if (!open_share(&shares[i], argv[1], first + each * (uint64_t)i, each,
				now_ns() | 1)) {
			fprintf(stderr, "verified_io: %s: %s\n", argv[1], strerror(errno));
			return 2;
		}
	}
	for (int i = 0; i < threads; i++)
		if (pthread_create(&shares[i].thread, NULL, work, &shares[i]) != 0)
			return 2;
	watch(argv[5]);
	for (int i = 0; i < threads; i++)
		pthread_join(shares[i].thread, NULL);
	for (int i = 0; i < threads; i++)
		verify(&shares[i]);
	return summary(shares, threads);
}
