/*
 * What `holdfast check-initiator` asks of an initiator, on a block device and past every cache.
 *
 * usage: disk_work DEVICE WORK FIRST-BYTE
 *
 * Works: read, write, big, parallel, loop, flush, once (one read of 4 KiB). The exit status is 0
 * when all went well, 1 for an error, which is named, and 3 when what was read is not what was
 * written. What a kernel tries again is its own affair: nothing is tried again here.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SMALL_BYTES   4096
#define PIECE_BYTES   (64 * 1024)
#define PIECES	      4
#define BIG_BYTES     (1024 * 1024)
#define PARALLEL      32
#define LOOP_NS	      INT64_C(3000000000)
#define LOOP_PAUSE_US 10000
#define STATUS_WRONG  3

struct disk {
	int fd;
	off_t first;
	uint64_t seed; /* another one in each run, so that nothing old looks right */
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t word_at(const struct disk *disk, off_t at)
{
	uint64_t x = (disk->seed + (uint64_t)at) * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 29;
}

static int failed(const char *what, off_t at, int error)
{
	fprintf(stderr, "%s at %lld: %s\n", what, (long long)at, strerror(error));
	return 1;
}

static uint64_t *buffer(size_t len)
{
	void *bytes = NULL;

	if (posix_memalign(&bytes, SMALL_BYTES, len) != 0) {
		fputs("no memory\n", stderr);
		exit(2);
	}
	return bytes;
}

static int write_at(const struct disk *disk, off_t offset, size_t len)
{
	uint64_t *words = buffer(len);
	off_t at = disk->first + offset;

	for (size_t i = 0; i < len / sizeof(*words); i++)
		words[i] = word_at(disk, offset + (off_t)(i * sizeof(*words)));
	ssize_t n = pwrite(disk->fd, words, len, at);
	int result = n == (ssize_t)len ? 0 : failed("write", at, n < 0 ? errno : ENODATA);
	free(words);
	return result;
}

static int read_at(const struct disk *disk, off_t offset, size_t len, bool compare)
{
	uint64_t *words = buffer(len);
	off_t at = disk->first + offset;
	ssize_t n = pread(disk->fd, words, len, at);
	int result = n == (ssize_t)len ? 0 : failed("read", at, n < 0 ? errno : ENODATA);

	for (size_t i = 0; compare && result == 0 && i < len / sizeof(*words); i++) {
		if (words[i] == word_at(disk, offset + (off_t)(i * sizeof(*words))))
			continue;
		fprintf(stderr, "wrong data at %lld\n", (long long)at + (long long)(i * 8));
		result = STATUS_WRONG;
	}
	free(words);
	return result;
}

/* So many pieces, written and then read. */
static int pieces(const struct disk *disk, unsigned count, size_t len)
{
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++)
		result = write_at(disk, (off_t)(i * len), len);
	for (unsigned i = 0; i < count && result == 0; i++)
		result = read_at(disk, (off_t)(i * len), len, true);
	return result;
}

static int do_read(struct disk *disk)
{
	return pieces(disk, PIECES, PIECE_BYTES);
}

static int do_write(struct disk *disk)
{
	return pieces(disk, 2, SMALL_BYTES);
}

static int do_big(struct disk *disk)
{
	return pieces(disk, 1, BIG_BYTES);
}

static int do_once(struct disk *disk)
{
	return read_at(disk, 0, SMALL_BYTES, false);
}

static int do_loop(struct disk *disk)
{
	int64_t end = now_ns() + LOOP_NS;
	int result = 0;

	while (now_ns() < end && result == 0) {
		disk->seed++;
		result = pieces(disk, 1, SMALL_BYTES);
		usleep(LOOP_PAUSE_US);
	}
	return result;
}

static int do_flush(struct disk *disk)
{
	int result = write_at(disk, 0, SMALL_BYTES);

	if (result == 0 && fsync(disk->fd) != 0)
		result = failed("flush", disk->first, errno);
	return result;
}

struct slot {
	const struct disk *disk;
	off_t offset;
	int result;
};

static void *run_slot(void *context)
{
	struct slot *slot = context;

	slot->result = write_at(slot->disk, slot->offset, SMALL_BYTES);
	if (slot->result == 0)
		slot->result = read_at(slot->disk, slot->offset, SMALL_BYTES, true);
	return NULL;
}

static int do_parallel(struct disk *disk)
{
	pthread_t threads[PARALLEL];
	struct slot slots[PARALLEL];
	int result = 0;

	for (int i = 0; i < PARALLEL; i++) {
		slots[i] = (struct slot){.disk = disk, .offset = (off_t)i * SMALL_BYTES};
		if (pthread_create(&threads[i], NULL, run_slot, &slots[i]) != 0)
			exit(2);
	}
	for (int i = 0; i < PARALLEL; i++) {
		pthread_join(threads[i], NULL);
		if (slots[i].result > result)
			result = slots[i].result;
	}
	return result;
}

static const struct {
	const char *name;
	int (*run)(struct disk *disk);
} works[] = {
	{"read", do_read}, {"write", do_write}, {"big", do_big},   {"parallel", do_parallel},
	{"loop", do_loop}, {"flush", do_flush}, {"once", do_once},
};

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: disk_work DEVICE WORK FIRST-BYTE\n", stderr);
		return 2;
	}
	struct disk disk = {.fd = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC),
			    .first = strtoll(argv[3], NULL, 10),
			    .seed = (uint64_t)now_ns()};
	if (disk.fd < 0)
		return failed(argv[1], 0, errno);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(works[i].name, argv[2]) == 0)
			return works[i].run(&disk);
	fprintf(stderr, "there is no work %s\n", argv[2]);
	return 2;
}
