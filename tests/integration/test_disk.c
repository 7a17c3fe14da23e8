/* Data over the wire, against the real daemon. */
#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"
#include "tests/integration/initiator.h"
#include "tests/integration/raw.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INITIATOR "iqn.2026-11.test:disk"

static void pattern(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (uint8_t)(seed >> 24);
	}
}

/* Writes and reads back `blocks` blocks at lba, in one command each way. */
static void round_trip(struct iscsi_context *a, uint32_t lba, int blocks, uint32_t seed)
{
	size_t len = (size_t)blocks * 512;
	uint8_t *out = malloc(len), *in = malloc(len);

	pattern(out, len, seed);
	ck_assert_int_eq(initiator_write(a, 0, lba, out, blocks).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_read(a, 0, lba, in, blocks), SCSI_STATUS_GOOD);
	ck_assert_mem_eq(in, out, len);
	free(out);
	free(in);
}

/* As the daemon chooses by itself, which is io_uring where there is one; and by threads. */
static const char *const disk_ios[][3] = {{NULL}, {"--disk-io", "threads", NULL}};

START_TEST(every_way_to_send_data_moves_the_same_bytes)
{
	struct daemon daemon;
	daemon_start(&daemon, "127.0.0.1:0", disk_ios[_i]);
	for (int i = 0; i < 8; i++) {
		struct login_options options = {.name = INITIATOR,
						.isid = 1,
						.header_digest = (i & 1) != 0,
						.initial_r2t_no = (i & 2) != 0,
						.immediate_data_no = (i & 4) != 0};
		struct iscsi_context *a = initiator_try_login(&daemon, &options);
		ck_assert_msg(a != NULL, "login with combination %d", i);
		initiator_drain(a, 0);
		static const int sizes[] = {1, 7, 16, 128, 129, 511, 513, 2048, 8192};
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			round_trip(a, (uint32_t)(s * 10000), sizes[s],
				   (uint32_t)(i * 100 + (int)s));
		initiator_logout(&a);
	}
	daemon_finish(&daemon);
}
END_TEST

START_TEST(data_is_there_after_a_kill_when_it_was_synchronized)
{
	struct daemon daemon;
	uint8_t out[4096], in[4096];
	uint8_t synchronize[10] = {0x35};
	daemon_start(&daemon, "127.0.0.1:0", disk_ios[_i]);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	pattern(out, sizeof(out), 42);
	ck_assert_int_eq(initiator_write(a, 0, 777, out, 8).status, 0);
	ck_assert_int_eq(initiator_command(a, 0, synchronize, 10, NULL, 0, 0).status, 0);
	daemon_kill(&daemon);
	initiator_cut(&a);
	daemon_restart(&daemon);
	a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_read(a, 0, 777, in, 8), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(the_identity_is_stable_over_restarts_and_unique_over_instances)
{
	struct daemon one, two;
	uint8_t vpd83[6] = {0x12, 1, 0x83, 0x04, 0, 0};
	daemon_start(&one, "127.0.0.1:0", NULL);
	daemon_start(&two, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&one, INITIATOR, 1);
	struct iscsi_context *b = initiator_login(&two, INITIATOR, 1);
	struct answer first = initiator_command(a, 0, vpd83, 6, NULL, 0, 1024);
	struct answer other = initiator_command(b, 0, vpd83, 6, NULL, 0, 1024);
	ck_assert_int_eq(first.status, 0);
	ck_assert(first.data_len != other.data_len ||
		  memcmp(first.data, other.data, (size_t)first.data_len) != 0);
	initiator_logout(&b);
	initiator_logout(&a);
	ck_assert_int_eq(daemon_stop(&one), 0);
	daemon_restart(&one);
	a = initiator_login(&one, INITIATOR, 1);
	struct answer again = initiator_command(a, 0, vpd83, 6, NULL, 0, 1024);
	ck_assert_int_eq(again.data_len, first.data_len);
	ck_assert_mem_eq(again.data, first.data, (size_t)first.data_len);
	initiator_logout(&a);
	daemon_finish(&one);
	daemon_finish(&two);
}
END_TEST

static void on_discovered(struct iscsi_context *iscsi, int status, void *data, void *private_data)
{
	struct iscsi_discovery_address *found = data;
	(void)iscsi;
	ck_assert_int_eq(status, SCSI_STATUS_GOOD);
	snprintf(private_data, 512, "%s %s", found ? found->target_name : "",
		 found && found->portals ? found->portals->portal : "");
}

START_TEST(discovery_tells_the_target_and_the_portal_it_came_through)
{
	struct daemon daemon;
	char found[512] = "", expected[512];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = iscsi_create_context(INITIATOR);
	iscsi_set_session_type(a, ISCSI_SESSION_DISCOVERY);
	ck_assert_int_eq(iscsi_connect_sync(a, daemon.portal), 0);
	ck_assert_int_eq(iscsi_login_sync(a), 0);
	ck_assert_int_eq(iscsi_discovery_async(a, on_discovered, found), 0);
	while (found[0] == '\0') {
		struct pollfd fd = {.fd = iscsi_get_fd(a), .events = (short)iscsi_which_events(a)};
		ck_assert_int_gt(poll(&fd, 1, 20000), 0);
		ck_assert_int_eq(iscsi_service(a, fd.revents), 0);
	}
	snprintf(expected, sizeof(expected), "%s %s,1", daemon.target, daemon.portal);
	ck_assert_str_eq(found, expected);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* Ticks of CPU: utime and stime, fields 14 and 15. */
static unsigned long cpu_ticks(int pid)
{
	char path[64], line[1024];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	const char *rest = strrchr(line, ')');
	ck_assert_ptr_nonnull(rest);
	ck_assert_int_eq(sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	return user + system;
}

#define POLLED_READS 200
#define SLEEPS_MS    300 /* who polls for so long uses many ticks */
#define SLEEPS_TRIES 100

START_TEST(a_daemon_that_polls_sleeps_when_there_is_nothing_to_do)
{
	struct daemon daemon;

	daemon_start_configured(&daemon, "127.0.0.1:0",
				"limits = { poll_us = 1000; };\n"
				"targets = ({ name = \"iqn.2026-11.io.holdfast:disk\"; luns = "
				"({ number = 0; size = \"64M\"; }); });\n");
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	for (uint32_t i = 0; i < POLLED_READS; i++)
		round_trip(a, i * 8, 8, i);
	bool sleeps = false;
	for (int i = 0; i < SLEEPS_TRIES && !sleeps; i++) {
		unsigned long before = cpu_ticks(daemon.pid);
		poll(NULL, 0, SLEEPS_MS);
		sleeps = cpu_ticks(daemon.pid) == before;
	}
	ck_assert(sleeps);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

static void find_image(const struct daemon *daemon, char *ret_path, size_t len)
{
	char command[256];

	snprintf(command, sizeof(command), "find %s -name '*.img'", daemon->folder);
	FILE *find = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(ret_path, (int)len, find));
	pclose(find);
	ret_path[strcspn(ret_path, "\n")] = '\0';
}

/* Of a region of which much is not in memory nothing is lent. */
static void write_first_region(struct iscsi_context *a)
{
	uint8_t data[64 * 512];

	pattern(data, sizeof(data), 5);
	for (uint32_t i = 0; i < 8; i++)
		ck_assert_int_eq(initiator_write(a, 0, i * 64, data, 64).status, 0);
}

/* What is read again and again is sent from the page cache, where the kernel finds it gone. */
START_TEST(a_file_that_somebody_cuts_off_is_an_error_and_no_crash)
{
	const uint8_t read_10[10] = {0x28, [8] = 8};
	struct daemon daemon;
	uint8_t data[4096];
	char path[512];

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	write_first_region(a);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(initiator_read(a, 0, 0, data, 8), 0);
	find_image(&daemon, path, sizeof(path));
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_ne(initiator_read(a, 0, 0, data, 8), 0);
	initiator_cut(&a);
	struct iscsi_context *b = initiator_login(&daemon, INITIATOR, 2);
	initiator_drain(b, 0);
	struct answer answer = initiator_command(b, 0, read_10, sizeof(read_10), NULL, 0, 4096);
	ck_assert_int_eq(answer.status, SCSI_STATUS_CHECK_CONDITION);
	ck_assert_uint_eq(answer.key, 0x3);
	ck_assert_uint_eq(answer.asc, 0x11);
	initiator_proves_service(b); /* the file becomes longer again */
	initiator_logout(&b);
	daemon_finish(&daemon);
}
END_TEST

#define DIGEST_LEN 4

static bool read_exactly(int fd, uint8_t *ret_bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, ret_bytes + at, len - at);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Eight blocks from 0 with a data digest, which is right; after a unit attention, the next time.
 * False: the connection is gone. */
static bool digested_read(int fd, uint32_t *cmd_sn, uint8_t ret_data[4096])
{
	uint8_t bhs[RAW_BHS], data[4096 + DIGEST_LEN];

	for (;;) {
		raw_command(bhs, 0x28, (*cmd_sn)++, 0, 8);
		if (!raw_write(fd, bhs, sizeof(bhs)) || !read_exactly(fd, bhs, sizeof(bhs)))
			return false;
		size_t len = (get_be24(bhs + 5) + 3u) & ~3u;
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_le(len, 4096);
		if (!read_exactly(fd, data, len + DIGEST_LEN))
			return false;
		uint32_t crc = crc32c(0, data, len);
		for (unsigned i = 0; i < DIGEST_LEN; i++)
			ck_assert_uint_eq(data[len + i], crc >> (8 * i) & 0xff);
		if ((bhs[0] & 0x3f) != 0x25)
			continue;
		memcpy(ret_data, data, 4096);
		return true;
	}
}

/* The daemon looks at the mapping by itself then. */
START_TEST(digests_are_right_and_a_file_that_is_cut_off_under_them_is_no_crash)
{
	const char *const args[] = {"--threads", _i == 0 ? "1" : "2", NULL};
	static const char keys[] = "DataDigest=CRC32C";
	uint8_t data[4096], back[4096], pdu[RAW_PDU_MAX], bhs[RAW_BHS];
	struct daemon daemon;
	char path[512];
	uint32_t cmd_sn = 1;

	daemon_start(&daemon, "127.0.0.1:0", args);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	write_first_region(a);
	int fd = raw_dial(&daemon);
	ck_assert(raw_write(fd, pdu,
			    raw_login_pdu(&daemon, INITIATOR ".raw", keys, sizeof(keys), pdu)) &&
		  raw_read_pdu(fd, bhs, NULL, 0) && get_be16(bhs + 36) == 0);
	for (unsigned i = 0; i < 64; i++) {
		pattern(data, sizeof(data), i / 8);
		ck_assert_int_eq(initiator_write(a, 0, 0, data, 8).status, 0);
		ck_assert(digested_read(fd, &cmd_sn, back));
		ck_assert_mem_eq(back, data, sizeof(data));
	}
	find_image(&daemon, path, sizeof(path));
	ck_assert_int_eq(truncate(path, 0), 0);
	raw_command(bhs, 0x28, cmd_sn, 0, 8);
	/* Its end, or an answer without data. */
	if (raw_write(fd, bhs, sizeof(bhs)) && read_exactly(fd, bhs, sizeof(bhs)))
		ck_assert_uint_eq(bhs[0] & 0x3f, 0x21);
	close(fd);
	initiator_proves_service(a); /* the file becomes longer again */
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

/* What is written again and again is stored through the mapping. */
START_TEST(a_file_that_is_cut_off_under_writes_is_written_all_the_same)
{
	struct daemon daemon;
	uint8_t data[4096], back[4096];
	char path[512];

	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	find_image(&daemon, path, sizeof(path));
	for (unsigned i = 0; i < 64; i++) {
		pattern(data, sizeof(data), i);
		ck_assert_int_eq(initiator_write(a, 0, 8, data, 8).status, 0);
		if (i % 16 == 15)
			ck_assert_int_eq(truncate(path, 0), 0);
	}
	ck_assert_int_eq(initiator_write(a, 0, 8, data, 8).status, 0);
	ck_assert_int_eq(initiator_read(a, 0, 8, back, 8), 0);
	ck_assert_mem_eq(back, data, sizeof(data));
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

START_TEST(unmap_gives_space_of_the_file_back)
{
	struct daemon daemon;
	struct stat before, after;
	char path[512];
	daemon_start(&daemon, "127.0.0.1:0", NULL);
	struct iscsi_context *a = initiator_login(&daemon, INITIATOR, 1);
	initiator_drain(a, 0);
	uint8_t *data = malloc(8192 * 512);
	pattern(data, 8192 * 512, 7);
	ck_assert_int_eq(initiator_write(a, 0, 0, data, 8192).status, 0);
	free(data);
	uint8_t synchronize[10] = {0x35};
	ck_assert_int_eq(initiator_command(a, 0, synchronize, 10, NULL, 0, 0).status, 0);

	find_image(&daemon, path, sizeof(path));
	ck_assert_int_eq(stat(path, &before), 0);
	uint8_t unmap[10] = {0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0};
	uint8_t list[24] = {0, 22, 0, 16};
	list[17] = 0;
	list[18] = 0x20; /* 8192 blocks */
	ck_assert_int_eq(initiator_command(a, 0, unmap, 10, list, sizeof(list), 0).status, 0);
	ck_assert_int_eq(initiator_command(a, 0, synchronize, 10, NULL, 0, 0).status, 0);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_int_lt(after.st_blocks, before.st_blocks);
	uint8_t block[512], zeros[512] = {0};
	ck_assert_int_eq(initiator_read(a, 0, 100, block, 1), 0);
	ck_assert_mem_eq(block, zeros, 512);
	initiator_logout(&a);
	daemon_finish(&daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, every_way_to_send_data_moves_the_same_bytes, 0, 2);
	tcase_add_loop_test(tcase, data_is_there_after_a_kill_when_it_was_synchronized, 0, 2);
	tcase_add_test(tcase, the_identity_is_stable_over_restarts_and_unique_over_instances);
	tcase_add_test(tcase, discovery_tells_the_target_and_the_portal_it_came_through);
	tcase_add_test(tcase, a_daemon_that_polls_sleeps_when_there_is_nothing_to_do);
	tcase_add_test(tcase, a_file_that_somebody_cuts_off_is_an_error_and_no_crash);
	tcase_add_loop_test(
		tcase, digests_are_right_and_a_file_that_is_cut_off_under_them_is_no_crash, 0, 2);
	tcase_add_test(tcase, a_file_that_is_cut_off_under_writes_is_written_all_the_same);
	tcase_add_test(tcase, unmap_gives_space_of_the_file_back);
}

int main(void)
{
	return suite_run("integration/disk", fill);
}
