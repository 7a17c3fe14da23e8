/*
 * Sessions on several event loops that read and write the same blocks, many commands at a time: a
 * block that is read is one that somebody has written, whole, and what its digest says of it.
 */
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

#define SESSIONS     4
#define ROUNDS	     150
#define BURST	     16
#define BLOCK	     512
#define WRITE_BLOCKS 16
#define READ_BLOCKS  32
#define LONG_BLOCKS  512 /* a burst of them is more than a socket takes */
/* Around the place where one region of the marks ends and the next begins. */
#define FIRST_LBA 96
#define PLACES	  32
#define READ	  0x28
#define WRITE	  0x2a
#define DATA_IN	  0x25
#define RESPONSE  0x21
#define STATUS	  0x01 /* Data-In: it brings the status, too */

static struct daemon served;

static void setup(void)
{
	daemon_start_configured(&served, "127.0.0.1:0",
				"threads = 2;\n"
				"targets = ({ name = \"iqn.2026-11.test:shared\";\n"
				"luns = ({ number = 0; size = \"16M\"; backing = \"memory\"; },\n"
				"        { number = 1; size = \"16M\"; }); });\n");
}

static void teardown(void)
{
	daemon_finish(&served);
}

struct client {
	int fd;
	unsigned number;
	uint8_t lun;
	bool digests;
	uint32_t cmd_sn, written;
};

static void put_digest(uint8_t digest[4], const void *bytes, size_t len)
{
	uint32_t crc = crc32c(0, bytes, len);

	for (unsigned i = 0; i < 4; i++)
		digest[i] = (uint8_t)(crc >> 8 * i);
}

/* On each loop one of two has its data digested. */
static void log_in(struct client *client)
{
	static const char with_digests[] = "DataDigest=CRC32C";
	uint8_t pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	char name[64];

	snprintf(name, sizeof(name), "iqn.2026-11.test:shared%u", client->number);
	client->digests = client->number % 4 == 1 || client->number % 4 == 2;
	client->fd = raw_dial(&served);
	size_t len = raw_login_pdu(&served, name, with_digests,
				   client->digests ? sizeof(with_digests) : 0, pdu);
	ck_assert(raw_write(client->fd, pdu, len));
	ck_assert(raw_read_pdu(client->fd, bhs, NULL, 0));
	ck_assert_uint_eq(get_be16(bhs + 36), 0);
	client->cmd_sn = 1;
}

static void send_read(struct client *client, uint32_t lba, uint16_t blocks)
{
	uint8_t bhs[RAW_BHS];

	raw_command(bhs, READ, client->cmd_sn++, lba, blocks);
	bhs[9] = client->lun;
	ck_assert(raw_write(client->fd, bhs, sizeof(bhs)));
}

/* All words of what is written with one command are alike, and those of no two commands are. */
static void send_write(struct client *client, uint32_t lba)
{
	uint8_t pdu[RAW_BHS + WRITE_BLOCKS * BLOCK + 4], *data = pdu + RAW_BHS;
	const size_t len = WRITE_BLOCKS * BLOCK;
	uint64_t stamp = (uint64_t)(client->number + 1) << 32 | ++client->written;

	raw_command(pdu, WRITE, client->cmd_sn++, lba, WRITE_BLOCKS);
	pdu[9] = client->lun;
	put_be24(pdu + 5, (uint32_t)len);
	for (size_t at = 0; at < len; at += 8)
		put_be64(data + at, stamp);
	put_digest(data + len, data, len);
	ck_assert(raw_write(client->fd, pdu, RAW_BHS + len + (client->digests ? 4u : 0)));
}

static bool is_whole(const uint8_t block[BLOCK])
{
	/* Each assertion of Check is a system call: none for each word. */
	return memcmp(block, block + 8, BLOCK - 8) == 0 && get_be32(block) <= SESSIONS;
}

/* True: a command has ended with it. */
static bool take_answer(struct client *client, uint64_t *read_len)
{
	static uint8_t data[RAW_PDU_MAX];
	uint8_t bhs[RAW_BHS], came[4], right[4];

	ck_assert(raw_read_pdu(client->fd, bhs, data, sizeof(data)));
	uint32_t len = get_be24(bhs + 5);
	if (len > 0 && client->digests) {
		ck_assert_int_eq(recv(client->fd, came, 4, MSG_WAITALL), 4);
		put_digest(right, data, len);
		ck_assert_mem_eq(came, right, 4);
	}
	if (bhs[0] == DATA_IN) {
		ck_assert_uint_eq(len % BLOCK, 0);
		for (uint32_t at = 0; at < len; at += BLOCK)
			if (!is_whole(data + at))
				ck_abort_msg("the block at %u of a Data-In is mixed", at);
		*read_len += len;
		if (!(bhs[1] & STATUS))
			return false;
	} else {
		ck_assert_uint_eq(bhs[0], RESPONSE);
		ck_assert_uint_eq(len, 0);
	}
	ck_assert_uint_eq(bhs[3], 0);
	return true;
}

static void read_and_write(unsigned number, uint8_t lun)
{
	struct client client = {.number = number, .lun = lun};
	unsigned seed = number + 1;

	log_in(&client);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned reads = 0, ended = 0;
		uint16_t blocks = round % 8 == number ? LONG_BLOCKS : READ_BLOCKS;
		uint64_t read_len = 0;

		for (unsigned i = 0; i < BURST; i++) {
			uint32_t lba = FIRST_LBA + (uint32_t)rand_r(&seed) % PLACES;

			if (rand_r(&seed) % 4 == 0) {
				send_write(&client, lba);
			} else {
				send_read(&client, lba, blocks);
				reads++;
			}
		}
		while (ended < BURST)
			ended += take_answer(&client, &read_len);
		ck_assert_uint_eq(read_len, (uint64_t)reads * blocks * BLOCK);
	}
	close(client.fd);
	_exit(0);
}

START_TEST(what_is_read_was_written_whole)
{
	pid_t pids[SESSIONS];
	int status;

	for (unsigned i = 0; i < SESSIONS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			read_and_write(i, (uint8_t)_i);
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(daemon_stop(&served), 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_is_read_was_written_whole, 0, 2);
}

int main(void)
{
	return suite_run("integration/shared_blocks", fill);
}
