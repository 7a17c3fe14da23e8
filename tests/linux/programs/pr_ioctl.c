/*
 * The PR ioctls of Linux's block layer (Documentation/block/pr.rst), one a call, for shell
 * scenarios.
 *
 * usage: pr_ioctl DEVICE register OLD-KEY NEW-KEY [FLAGS]
 *        pr_ioctl DEVICE reserve KEY TYPE [FLAGS]        TYPE: 1..6, enum pr_type of <linux/pr.h>
 *        pr_ioctl DEVICE release KEY TYPE [FLAGS]
 *        pr_ioctl DEVICE preempt|preempt_abort OWN-KEY VICTIM-KEY TYPE [FLAGS]
 *        pr_ioctl DEVICE clear KEY [FLAGS]
 *        pr_ioctl DEVICE read_keys ROOM
 *        pr_ioctl DEVICE read_reservation
 *
 * Prints one line: "0", "conflict" (PR_STS_RESERVATION_CONFLICT), "status 0x..", or the errno's
 * name, with what was read behind it. The exit status is 0 when the ioctl returned 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pr.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Newer than the headers that this is built with (Linux 7.0). */
#ifndef IOC_PR_READ_KEYS
struct pr_read_keys {
	uint32_t generation;
	uint32_t num_keys;
	uint64_t keys_ptr;
};
struct pr_read_reservation {
	uint64_t key;
	uint32_t generation;
	uint32_t type;
};
#define IOC_PR_READ_KEYS	_IOWR('p', 206, struct pr_read_keys)
#define IOC_PR_READ_RESERVATION _IOR('p', 207, struct pr_read_reservation)
#endif

#define KEYS_MAX 1024

static uint64_t number(char **argv, int argc, int at)
{
	return at < argc ? strtoull(argv[at], NULL, 0) : 0;
}

static int report(int result)
{
	if (result == 0)
		printf("0");
	else if (result == 0x18)
		printf("conflict");
	else if (result == 0x118)
		printf("conflict (0x118)");
	else if (result == 0x402)
		printf("EINVAL (0x402)");
	else if (result > 0)
		printf("status 0x%x", (unsigned)result);
	else
		printf("%s", strerrorname_np(errno));
	return result;
}

static int read_keys(int fd, uint32_t room)
{
	static uint64_t keys[KEYS_MAX];
	struct pr_read_keys arg = {.num_keys = room > KEYS_MAX ? KEYS_MAX : room,
				   .keys_ptr = (uintptr_t)keys};
	uint32_t had = arg.num_keys;
	int result = report(ioctl(fd, IOC_PR_READ_KEYS, &arg));

	if (result == 0) {
		printf(" generation %u keys %u", arg.generation, arg.num_keys);
		for (uint32_t i = 0; i < arg.num_keys && i < had; i++)
			printf(" 0x%llx", (unsigned long long)keys[i]);
	}
	return result;
}

static int read_reservation(int fd)
{
	struct pr_read_reservation arg = {0};
	int result = report(ioctl(fd, IOC_PR_READ_RESERVATION, &arg));

	if (result == 0)
		printf(" generation %u type %u key 0x%llx", arg.generation, arg.type,
		       (unsigned long long)arg.key);
	return result;
}

static int run(int fd, const char *what, int argc, char **argv)
{
	uint64_t a = number(argv, argc, 3), b = number(argv, argc, 4), c = number(argv, argc, 5),
		 d = number(argv, argc, 6);

	if (strcmp(what, "register") == 0) {
		struct pr_registration arg = {.old_key = a, .new_key = b, .flags = (uint32_t)c};
		return report(ioctl(fd, IOC_PR_REGISTER, &arg));
	}
	if (strcmp(what, "reserve") == 0 || strcmp(what, "release") == 0) {
		struct pr_reservation arg = {.key = a, .type = (uint32_t)b, .flags = (uint32_t)c};
		return report(ioctl(fd, what[2] == 's' ? IOC_PR_RESERVE : IOC_PR_RELEASE, &arg));
	}
	if (strcmp(what, "preempt") == 0 || strcmp(what, "preempt_abort") == 0) {
		struct pr_preempt arg = {
			.old_key = a, .new_key = b, .type = (uint32_t)c, .flags = (uint32_t)d};
		return report(ioctl(fd, what[7] ? IOC_PR_PREEMPT_ABORT : IOC_PR_PREEMPT, &arg));
	}
	if (strcmp(what, "clear") == 0) {
		struct pr_clear arg = {.key = a, .flags = (uint32_t)b};
		return report(ioctl(fd, IOC_PR_CLEAR, &arg));
	}
	if (strcmp(what, "read_keys") == 0)
		return read_keys(fd, (uint32_t)a);
	if (strcmp(what, "read_reservation") == 0)
		return read_reservation(fd);
	fprintf(stderr, "pr_ioctl: unknown operation '%s'\n", what);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: pr_ioctl DEVICE OPERATION ARGUMENT...\n");
		return 2;
	}
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "pr_ioctl: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	int result = run(fd, argv[2], argc, argv);
	printf("\n");
	close(fd);
	return result == 0 ? 0 : 1;
}
