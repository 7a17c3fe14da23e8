/*
 * The floor: what a target costs that does nothing. Answers the same bytes over TCP as a target
 * would, with one epoll loop: logins are agreed to by repeating what was offered, a READ brings
 * bytes that nobody looked for, a WRITE is thrown away. No SCSI, no checks, no windows.
 *
 * For benchmarks on the loopback interface only: it believes all that it is told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

#define BHS	       48
#define INPUT_LEN      (256u * 1024)
#define TRANSFER_MAX   (1u << 20)
#define LOGIN_TEXT_MAX 8192
#define ANSWERS_MAX    256
#define EVENTS_MAX     64
#define COMMAND_WINDOW 256

struct peer {
	int fd;
	bool full_feature;
	size_t have, skip; /* bytes of a header that are kept; bytes of data to throw away */
	uint8_t kept[BHS];
	uint8_t login_bhs[BHS];
	uint8_t login_text[LOGIN_TEXT_MAX];
	size_t login_have, login_len;
	uint32_t stat_sn;
};

/* Bytes for all peers: they are used and forgotten within one turn. */
struct floor {
	uint8_t input[INPUT_LEN], data[TRANSFER_MAX];
	uint8_t heads[ANSWERS_MAX][BHS];
	struct iovec iov[2 * ANSWERS_MAX];
	unsigned answers, count;
};

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* False: the peer is gone. */
static bool flush(struct floor *floor, const struct peer *peer)
{
	struct iovec *iov = floor->iov;
	unsigned left = floor->count;

	floor->answers = floor->count = 0;
	while (left > 0) {
		struct msghdr message = {.msg_iov = iov, .msg_iovlen = left};
		ssize_t n = sendmsg(peer->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = peer->fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		if (n < 0)
			return false;
		for (; left > 0 && (size_t)n >= iov->iov_len; iov++, left--)
			n -= (ssize_t)iov->iov_len;
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return true;
}

static void answer(struct floor *floor, struct peer *peer, const uint8_t *command)
{
	uint8_t *head;

	if ((command[0] & 0x3f) != 0x01 || (floor->answers == ANSWERS_MAX && !flush(floor, peer)))
		return;
	head = memset(floor->heads[floor->answers++], 0, BHS);
	bool read = command[1] & 0x40;
	uint32_t len = read ? get_be32(command + 20) : 0;
	head[0] = read ? 0x25 : 0x21;
	head[1] = read ? 0x81 : 0x80;
	memcpy(head + 16, command + 16, 4);
	put_be32(head + 20, read ? 0xffffffffu : 0);
	put_be32(head + 24, peer->stat_sn++);
	put_be32(head + 28, get_be32(command + 24) + 1);
	put_be32(head + 32, get_be32(command + 24) + COMMAND_WINDOW);
	put_be24(head + 5, len);
	floor->iov[floor->count++] = (struct iovec){head, BHS};
	if (len > 0 && len <= TRANSFER_MAX)
		floor->iov[floor->count++] = (struct iovec){floor->data, len};
}

/* Repeats the offer; what only an initiator says (its name) does no harm. */
static bool login_answer(struct peer *peer)
{
	uint8_t head[BHS] = {0x23, peer->login_bhs[1]};

	memcpy(head + 5, peer->login_bhs + 5, 3);
	memcpy(head + 8, peer->login_bhs + 8, 6);
	put_be16(head + 14, 1);
	memcpy(head + 16, peer->login_bhs + 16, 4);
	put_be32(head + 24, peer->stat_sn++);
	put_be32(head + 28, get_be32(peer->login_bhs + 24));
	put_be32(head + 32, get_be32(peer->login_bhs + 24) + COMMAND_WINDOW);
	peer->full_feature = (peer->login_bhs[1] & 0x83) == 0x83;
	return send(peer->fd, head, BHS, MSG_NOSIGNAL) == BHS &&
	       send(peer->fd, peer->login_text, peer->login_len, MSG_NOSIGNAL) ==
		       (ssize_t)peer->login_len;
}

static bool login_take(struct peer *peer, const uint8_t *at, size_t len)
{
	memcpy(peer->login_text + peer->login_have, at, len);
	peer->login_have += len;
	return peer->login_have < peer->login_len || login_answer(peer);
}

static bool take_head(struct floor *floor, struct peer *peer, const uint8_t *head)
{
	size_t len = get_be24(head + 5);

	peer->skip = (len + 3) & ~(size_t)3;
	if (peer->full_feature) {
		answer(floor, peer, head);
		return true;
	}
	if (peer->skip > LOGIN_TEXT_MAX)
		return false;
	memcpy(peer->login_bhs, head, BHS);
	peer->login_have = 0;
	peer->login_len = peer->skip;
	return peer->skip > 0 || login_answer(peer);
}

static bool take(struct floor *floor, struct peer *peer, size_t len)
{
	const uint8_t *at = floor->input, *end = at + len;

	while (at < end) {
		size_t left = (size_t)(end - at);
		if (peer->skip > 0) {
			size_t n = left < peer->skip ? left : peer->skip;
			peer->skip -= n;
			if (!peer->full_feature && !login_take(peer, at, n))
				return false;
			at += n;
			continue;
		}
		size_t n = BHS - peer->have < left ? BHS - peer->have : left;
		memcpy(peer->kept + peer->have, at, n);
		peer->have += n;
		at += n;
		if (peer->have < BHS)
			break;
		peer->have = 0;
		if (!take_head(floor, peer, peer->kept))
			return false;
	}
	return flush(floor, peer);
}

static void serve(struct floor *floor, struct peer *peer)
{
	ssize_t n = recv(peer->fd, floor->input, sizeof(floor->input), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && take(floor, peer, (size_t)n))
		return;
	floor->answers = floor->count = 0;
	close(peer->fd);
	free(peer);
}

static void welcome(int epoll, int listener)
{
	int on = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer *peer = fd < 0 ? NULL : calloc(1, sizeof(*peer));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	if (!peer)
		return;
	peer->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll");
}

static int listen_somewhere(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1024) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("listen");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

int main(void)
{
	static struct floor floor;
	struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN};
	uint16_t port;
	int listener = listen_somewhere(&port);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	printf("%u\n", port);
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve(&floor, events[i].data.ptr);
			else
				welcome(epoll, listener);
		}
	}
}
