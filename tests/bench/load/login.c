/*
 * Connecting and logging in: one Login Request that asks for full feature phase at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "tests/bench/load/load.h"

#define LOGIN_TEXT_MAX	  8192
#define LOGIN_STEPS_MAX	  8
#define OPCODE_LOGIN	  0x03
#define OPCODE_LOGIN_SAID 0x23
#define STAGE_SECURITY	  0
#define STAGE_OPERATIONAL 1
#define STAGE_FULL	  3
#define FLAG_TRANSIT	  0x80

struct text {
	char bytes[LOGIN_TEXT_MAX];
	size_t len;
};

static void text_add(struct text *text, const char *key, const char *value)
{
	int n = snprintf(text->bytes + text->len, sizeof(text->bytes) - text->len, "%s=%s", key,
			 value);

	if (n < 0 || text->len + (size_t)n + 1 >= sizeof(text->bytes))
		load_fail("too many login keys");
	text->len += (size_t)n + 1;
}

static const char *text_find(const struct text *text, const char *key)
{
	size_t key_len = strlen(key);

	for (size_t at = 0; at < text->len; at += strlen(text->bytes + at) + 1) {
		const char *pair = text->bytes + at;
		if (strncmp(pair, key, key_len) == 0 && pair[key_len] == '=')
			return pair + key_len + 1;
	}
	return NULL;
}

static void write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			load_fail("login: send: %s", strerror(errno));
		at += n;
		len -= (size_t)n;
	}
}

static void read_all(int fd, void *bytes, size_t len)
{
	if (len > 0 && recv(fd, bytes, len, MSG_WAITALL) != (ssize_t)len)
		load_fail("login: the target closed the connection");
}

static int dial(const struct load_options *options)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, options->address, &address.sin_addr) != 1)
		load_fail("%s: not an IPv4 address", options->address);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		load_fail("connect to port %u: %s", options->port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void offer_names(struct text *text, const struct load_session *session)
{
	char initiator[64];

	snprintf(initiator, sizeof(initiator), "iqn.2026-11.bench:load-%u", session->number);
	text_add(text, "InitiatorName", initiator);
	text_add(text, "TargetName", session->options->target);
	text_add(text, "SessionType", "Normal");
}

static void offer_operational(struct text *text, const struct load_options *options)
{
	text_add(text, "HeaderDigest", options->header_digest ? "CRC32C" : "None");
	text_add(text, "DataDigest", options->data_digest ? "CRC32C" : "None");
	text_add(text, "InitialR2T", "No");
	text_add(text, "ImmediateData", "Yes");
	text_add(text, "MaxRecvDataSegmentLength", "262144");
	text_add(text, "FirstBurstLength", "262144");
	text_add(text, "MaxBurstLength", "1048576");
	text_add(text, "MaxOutstandingR2T", "16");
	text_add(text, "MaxConnections", "1");
	text_add(text, "ErrorRecoveryLevel", "0");
	text_add(text, "DefaultTime2Wait", "0");
	text_add(text, "DefaultTime2Retain", "0");
}

static void send_request(struct load_session *session, uint8_t flags, const struct text *text)
{
	uint8_t bhs[LOAD_BHS] = {0x40 | OPCODE_LOGIN, flags};
	static const uint8_t zeros[3];

	put_be24(bhs + 5, (uint32_t)text->len);
	bhs[8] = 0x80; /* ISID: random */
	put_be32(bhs + 10, session->number);
	put_be32(bhs + 24, session->cmd_sn);
	put_be32(bhs + 28, session->exp_stat_sn);
	write_all(session->fd, bhs, sizeof(bhs));
	write_all(session->fd, text->bytes, text->len);
	write_all(session->fd, zeros, -text->len & 3);
}

/* The flags of the answer. */
static uint8_t receive_response(struct load_session *session, struct text *text)
{
	uint8_t bhs[LOAD_BHS], pad[3];

	read_all(session->fd, bhs, sizeof(bhs));
	if ((bhs[0] & 0x3f) != OPCODE_LOGIN_SAID || bhs[36] != 0)
		load_fail("login refused: opcode %02x, status %02x%02x", bhs[0], bhs[36], bhs[37]);
	size_t len = get_be24(bhs + 5);
	if (text->len + len >= sizeof(text->bytes))
		load_fail("login: the answer is too long");
	read_all(session->fd, text->bytes + text->len, len);
	read_all(session->fd, pad, -len & 3);
	text->len += len;
	session->exp_stat_sn = get_be32(bhs + 24) + 1;
	session->cmd_sn = get_be32(bhs + 28);
	session->max_cmd_sn = get_be32(bhs + 32);
	return bhs[1];
}

static bool says(const struct text *text, const char *key, const char *value)
{
	const char *said = text_find(text, key);

	return said && strcmp(said, value) == 0;
}

static uint32_t number(const struct text *text, const char *key, uint32_t otherwise)
{
	const char *said = text_find(text, key);

	return said ? (uint32_t)strtoul(said, NULL, 0) : otherwise;
}

static void adopt(struct load_session *session, const struct text *said)
{
	session->initial_r2t = !says(said, "InitialR2T", "No");
	session->immediate_data = !says(said, "ImmediateData", "No");
	session->header_digest = says(said, "HeaderDigest", "CRC32C");
	session->data_digest = says(said, "DataDigest", "CRC32C");
	session->send_segment_max = number(said, "MaxRecvDataSegmentLength", 8192);
	session->first_burst = number(said, "FirstBurstLength", 65536);
	if (session->header_digest != session->options->header_digest ||
	    session->data_digest != session->options->data_digest)
		load_fail("the target does not agree to the digests");
}

/*
 * Straight into the operational stage; a target that wants to talk about security first says so by
 * answering in that stage, and gets AuthMethod=None.
 */
void load_login(struct load_session *session)
{
	struct text offer = {.len = 0}, said = {.len = 0};
	uint8_t flags = FLAG_TRANSIT | STAGE_SECURITY << 2 | STAGE_OPERATIONAL;

	session->fd = dial(session->options);
	session->cmd_sn = 1;
	offer_names(&offer, session);
	text_add(&offer, "AuthMethod", "None");
	for (int step = 0; step < LOGIN_STEPS_MAX; step++) {
		send_request(session, flags, &offer);
		uint8_t answer = receive_response(session, &said);
		offer.len = 0;
		if ((answer & FLAG_TRANSIT) && (answer & 3) == STAGE_FULL) {
			adopt(session, &said);
			return;
		}
		if ((answer & FLAG_TRANSIT) && (answer & 3) == STAGE_OPERATIONAL) {
			flags = FLAG_TRANSIT | STAGE_OPERATIONAL << 2 | STAGE_FULL;
			offer_operational(&offer, session->options);
		}
	}
	load_fail("login: it comes to no end");
}
