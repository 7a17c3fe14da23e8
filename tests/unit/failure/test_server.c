/*
 * No memory, no descriptors, no ports for the server: it says which, and serves the next one.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/wire.h"
#include "tests/unit/failure/inject.h"
#include "transport/server.h"

#define TURNS_MAX 2000 /* of the loop, each up to TURN_MS */
#define TURN_MS	  10

struct served {
	struct wire_house house;
	struct ev_loop *loop;
	struct iscsi_server *server;
	char bound[64];
};

static void served_begin(struct served *served)
{
	wire_house_init(&served->house);
	wire_house_start(&served->house);
	served->loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(served->loop);
	served->server = NULL;
}

static bool server_try(struct served *served)
{
	served->server = iscsi_server_create(served->loop, served->house.node,
					     served->house.executor, &served->house.config.limits);
	return served->server != NULL;
}

static int listen_try(struct served *served)
{
	return iscsi_server_listen(served->server, "127.0.0.1:0", NULL, 1, served->bound);
}

static void served_end(struct served *served)
{
	iscsi_server_free(&served->server);
	wire_house_stop(&served->house);
	ev_loop_destroy(served->loop);
}

static void start_listening(void)
{
	struct served served;

	served_begin(&served);
	inject_on();
	bool is_there = server_try(&served);
	if (inject_off()) {
		ck_assert(!is_there);
		is_there = server_try(&served);
	}
	ck_assert(is_there);
	inject_on();
	int error = listen_try(&served);
	if (inject_off()) {
		/* Not -EINVAL: the address is fine. */
		ck_assert(error == -ENOMEM || error == -EMFILE || error == -ENOBUFS ||
			  error == -EADDRNOTAVAIL || error == -EADDRINUSE);
		error = listen_try(&served);
	}
	ck_assert_int_eq(error, 0);
	served_end(&served);
}

/* ---- a client of flesh and sockets ---- */

static int client_connect(const struct served *served)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)atoi(strrchr(served->bound, ':') + 1));
	ck_assert_int_ge(fd, 0);
	/* The backlog takes it, whether or not the server ever accepts. */
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void client_log_in(int fd)
{
	static const char text[] = "InitiatorName=" WIRE_INITIATOR "\0TargetName=" WIRE_TARGET;
	uint8_t pdu[ISCSI_BHS_LEN + 128] = {0};
	struct iscsi_login_request request = {
		.transit = true,
		.csg = ISCSI_STAGE_OPERATIONAL,
		.nsg = ISCSI_STAGE_FULL_FEATURE,
		.isid = {0x80, 0, 0, 0, 0, 1},
		.itt = 1,
	};
	size_t padded = (sizeof(text) + 3) / 4 * 4;

	static_assert(sizeof(text) <= 128, "the text fits");
	iscsi_login_request_encode(&request, pdu);
	iscsi_bhs_set_lengths(pdu, sizeof(text));
	memcpy(pdu + ISCSI_BHS_LEN, text, sizeof(text));
	(void)send(fd, pdu, ISCSI_BHS_LEN + padded, MSG_NOSIGNAL);
}

/* Turns the loop until the server answers: true when it did, false when it closed. */
static bool client_is_answered(struct served *served, int fd)
{
	struct iscsi_login_response response;
	uint8_t bhs[ISCSI_BHS_LEN];

	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};

		ev_run(served->loop, EVRUN_NOWAIT);
		if (poll(&readable, 1, TURN_MS) == 0)
			continue;
		if (recv(fd, bhs, sizeof(bhs), MSG_WAITALL) != (ssize_t)sizeof(bhs))
			return false;
		iscsi_login_response_decode(bhs, &response);
		return response.status == ISCSI_LOGIN_SUCCESS;
	}
	ck_abort_msg("the server does not answer");
	return false;
}

static void accept_client(void)
{
	struct served served;

	served_begin(&served);
	ck_assert(server_try(&served));
	ck_assert_int_eq(listen_try(&served), 0);
	iscsi_server_start(served.server);
	int fd = client_connect(&served);
	client_log_in(fd);
	inject_on();
	for (unsigned turn = 0; turn < 3; turn++)
		ev_run(served.loop, EVRUN_NOWAIT);
	(void)inject_off();
	if (!client_is_answered(&served, fd)) {
		/* It was let go; the next one is served. */
		close(fd);
		fd = client_connect(&served);
		client_log_in(fd);
		ck_assert(client_is_answered(&served, fd));
	}
	close(fd);
	served_end(&served);
}

START_TEST(server_listens_or_says_why_not)
{
	inject_each("start-listening", start_listening);
}
END_TEST

START_TEST(client_is_served_or_let_go_and_the_next_one_is_served)
{
	inject_each("accept-client", accept_client);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, server_listens_or_says_why_not);
	tcase_add_test(tcase, client_is_served_or_let_go_and_the_next_one_is_served);
}

int main(void)
{
	return suite_run("server", fill);
}
