#include "tests/integration/raw.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define READ_TIMEOUT_MS 60000

int raw_dial(const struct daemon *daemon)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	ck_assert_int_ge(fd, 0);
	in.sin_port = htons((uint16_t)atoi(strrchr(daemon->portal, ':') + 1));
	ck_assert_msg(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0, "connect: %s",
		      strerror(errno));
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	return fd;
}

bool raw_write(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_exactly(int fd, uint8_t *bytes, size_t len)
{
	while (len > 0) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		ck_assert_msg(poll(&poll_fd, 1, READ_TIMEOUT_MS) == 1, "no PDU came in time");
		ssize_t n = read(fd, bytes, len);
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool raw_read_pdu(int fd, uint8_t ret_bhs[RAW_BHS], void *ret_data, size_t cap)
{
	uint8_t waste[512], *at = ret_data;

	if (!read_exactly(fd, ret_bhs, RAW_BHS))
		return false;
	size_t left = (get_be24(ret_bhs + 5) + 3u) / 4 * 4;
	while (left > 0) {
		size_t piece = cap > 0 ? (left < cap ? left : cap)
				       : (left < sizeof(waste) ? left : sizeof(waste));
		if (!read_exactly(fd, cap > 0 ? at : waste, piece))
			return false;
		if (cap > 0) {
			at += piece;
			cap -= piece;
		}
		left -= piece;
	}
	return true;
}

bool raw_is_closed_within(int fd, int ms)
{
	char waste[4096];
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	while (poll(&poll_fd, 1, ms) > 0)
		if (read(fd, waste, sizeof(waste)) <= 0)
			return true;
	return false;
}

size_t raw_login_pdu(const struct daemon *daemon, const char *initiator, const char *keys,
		     size_t keys_len, uint8_t ret_pdu[RAW_PDU_MAX])
{
	char *text = (char *)ret_pdu + RAW_BHS;
	int len;

	memset(ret_pdu, 0, RAW_PDU_MAX);
	len = snprintf(text, RAW_PDU_MAX - RAW_BHS, "InitiatorName=%s%cTargetName=%s", initiator, 0,
		       daemon->target);
	size_t used = (size_t)len + 1;
	ck_assert_uint_le(RAW_BHS + used + keys_len + 4, RAW_PDU_MAX);
	if (keys_len > 0)
		memcpy(text + used, keys, keys_len);
	used += keys_len;
	ret_pdu[0] = 0x43;
	ret_pdu[1] = 0x87; /* transit from operational negotiation to full feature phase */
	put_be24(ret_pdu + 5, (uint32_t)used);
	ret_pdu[8] = 0x80; /* an ISID of the random kind */
	put_be32(ret_pdu + 24, 1);
	return RAW_BHS + (used + 3) / 4 * 4;
}

int raw_try_login(const struct daemon *daemon, const char *initiator)
{
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	int fd = raw_dial(daemon);

	if (raw_write(fd, pdu, raw_login_pdu(daemon, initiator, NULL, 0, pdu)) &&
	    raw_read_pdu(fd, bhs, NULL, 0) && get_be16(bhs + 36) == 0)
		return fd;
	close(fd);
	return -1;
}

int raw_login(const struct daemon *daemon, const char *initiator)
{
	int fd = raw_try_login(daemon, initiator);

	ck_assert_msg(fd >= 0, "no login for %s", initiator);
	return fd;
}

void raw_command(uint8_t ret_bhs[RAW_BHS], uint8_t opcode, uint32_t cmd_sn, uint32_t lba,
		 uint16_t blocks)
{
	bool is_write = opcode == 0x2a, is_read = opcode == 0x28;

	memset(ret_bhs, 0, RAW_BHS);
	ret_bhs[0] = 0x01;
	ret_bhs[1] = (uint8_t)(0x81 | (is_write ? 0x20 : 0) | (is_read ? 0x40 : 0));
	put_be32(ret_bhs + 16, cmd_sn); /* a tag as good as any */
	put_be32(ret_bhs + 20, blocks * 512u);
	put_be32(ret_bhs + 24, cmd_sn);
	ret_bhs[32] = opcode;
	put_be32(ret_bhs + 34, lba);
	put_be16(ret_bhs + 39, blocks);
}

static long status_bytes(pid_t pid, const char *field)
{
	char path[64], line[256];
	long kib = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0 &&
		    sscanf(line + strlen(field), ": %ld kB", &kib) == 1)
			break;
	fclose(file);
	ck_assert_int_ge(kib, 0);
	return kib * 1024;
}

long resident_bytes(pid_t pid)
{
	return status_bytes(pid, "VmRSS");
}

long resident_bytes_ever(pid_t pid)
{
	return status_bytes(pid, "VmHWM");
}
