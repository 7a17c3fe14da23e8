/* Primary commands over the wire: what is saved, copied, scripted, against the real daemon. */
#include "pr_engine/bytes.h"
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BLOCKS 5000

static struct daemon daemon_;
static struct iscsi_context *a, *b;
static char config_path[] = "/tmp/holdfast-conf-XXXXXX";

static void login(void)
{
	a = initiator_login(&daemon_, "iqn.2026-11.test:a", 1);
	b = initiator_login(&daemon_, "iqn.2026-11.test:b", 2);
	for (int lun = 0; lun < 2; lun++) {
		initiator_drain(a, lun);
		initiator_drain(b, lun);
	}
}

static void setup(void)
{
	static const char *args[] = {"-c", config_path, NULL};
	int fd = mkstemp(config_path);

	ck_assert_int_ge(fd, 0);
	FILE *file = fdopen(fd, "w");
	fputs("targets = ( { name = \"iqn.2026-11.test:disks\"; luns = (\n"
	      "  { number = 0; size = \"16M\"; profile = \"spc4\"; },\n"
	      "  { number = 1; size = \"16M\"; profile = \"spc4\"; } ); } );\n",
	      file);
	fclose(file);
	daemon_start(&daemon_, "127.0.0.1:0", args);
	login();
}

static void teardown(void)
{
	initiator_logout(&a);
	initiator_logout(&b);
	daemon_finish(&daemon_);
	unlink(config_path);
}

static void kill_and_restart(void)
{
	daemon_kill(&daemon_);
	initiator_cut(&a);
	initiator_cut(&b);
	daemon_restart(&daemon_);
	login();
}

#define CDB(nexus, lun, in_len, ...)                                      \
	initiator_command((nexus), (lun), (const uint8_t[]){__VA_ARGS__}, \
			  sizeof((const uint8_t[]){__VA_ARGS__}), NULL, 0, (in_len))
#define OUT(nexus, lun, out, out_len, ...)                                \
	initiator_command((nexus), (lun), (const uint8_t[]){__VA_ARGS__}, \
			  sizeof((const uint8_t[]){__VA_ARGS__}), (out), (out_len), 0)

#define is_good(answer_)                                                                           \
	do {                                                                                       \
		struct answer g_ = (answer_);                                                      \
		ck_assert_msg(g_.status == SCSI_STATUS_GOOD, "status %d, %x/%02x/%02x", g_.status, \
			      g_.key, g_.asc, g_.ascq);                                            \
	} while (0)

#define is_sense(answer_, key_, asc_, ascq_)                                                  \
	do {                                                                                  \
		struct answer s_ = (answer_);                                                 \
		ck_assert_msg(s_.status == SCSI_STATUS_CHECK_CONDITION && s_.key == (key_) && \
				      s_.asc == (asc_) && s_.ascq == (ascq_),                 \
			      "status %d, %x/%02x/%02x", s_.status, s_.key, s_.asc, s_.ascq); \
	} while (0)

/* Byte 2 of the Caching page: current 0, default 2, saved 3. */
static uint8_t caching_bits(int lun, uint8_t page_control)
{
	struct answer answer =
		CDB(a, lun, 64, 0x1a, 0x08, (uint8_t)(page_control << 6 | 0x08), 0, 64, 0);

	is_good(answer);
	return answer.data[4 + 2];
}

START_TEST(saved_mode_pages_and_names_outlive_a_kill)
{
	uint8_t list[24] = {0, 0, 0, 0, 0x08, 0x12, 0x00};

	is_good(OUT(a, 0, list, 24, 0x15, 0x11, 0, 0, 24, 0));
	is_sense(initiator_test_unit_ready(b, 0), 6, 0x2a, 0x01);
	list[6] = 0x05;
	is_good(OUT(a, 1, list, 24, 0x15, 0x10, 0, 0, 24, 0));
	ck_assert_uint_eq(caching_bits(1, 0), 0x05);
	is_good(OUT(a, 1, "rack 7", 6, 0xa4, 0x06, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0));
	kill_and_restart();
	ck_assert_uint_eq(caching_bits(0, 0), 0x00);
	ck_assert_uint_eq(caching_bits(0, 3), 0x00);
	ck_assert_uint_eq(caching_bits(0, 2), 0x04);
	ck_assert_uint_eq(caching_bits(1, 0), 0x04);
	struct answer answer = CDB(a, 1, 64, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	is_good(answer);
	ck_assert_int_eq(answer.data_len, 10);
	ck_assert_mem_eq(answer.data + 4, "rack 7", 6);
}
END_TEST

START_TEST(a_damaged_file_of_saved_values_is_named_and_nothing_served)
{
	uint8_t list[24] = {0, 0, 0, 0, 0x08, 0x12, 0x00};
	char path[256], output[4096];

	is_good(OUT(a, 0, list, 24, 0x15, 0x11, 0, 0, 24, 0));
	snprintf(path, sizeof(path), "%s/reservations/iqn.2026-11.test:disks/lun0.saved",
		 daemon_.folder);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
	FILE *file = fopen(path, "r+");
	ck_assert_ptr_nonnull(file);
	fseek(file, 20, SEEK_SET);
	fputc('!', file);
	fclose(file);
	const char *const argv[] = {daemon_path(), "--state-dir", daemon_.folder, "-c",
				    config_path,   "--listen",	  "127.0.0.1:0",  NULL};
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 1);
	ck_assert_msg(strstr(output, "lun0.saved") && strstr(output, "move it away"), "%s", output);
	ck_assert_int_eq(unlink(path), 0);
	initiator_cut(&a);
	initiator_cut(&b);
	daemon_restart(&daemon_);
	login();
	ck_assert_uint_eq(caching_bits(0, 0), 0x04);
}
END_TEST

START_TEST(descriptor_sense_travels)
{
	uint8_t list[16] = {0, 0, 0, 0, 0x0a, 0x0a, 0x06, 0x10, 0, 0, 0, 0, 0xff, 0xff};

	is_good(OUT(a, 0, list, 16, 0x15, 0x10, 0, 0, 16, 0));
	is_sense(initiator_test_unit_ready(b, 0), 6, 0x2a, 0x01);
	is_sense(CDB(b, 0, 64, 0x12, 1, 0x55, 0, 64, 0), 5, 0x24, 0x00);
}
END_TEST

static void run_tool(const char *const *words, const char *wanted)
{
	const char *argv[12] = {tool_path(), "--control", daemon_.control};
	char output[4096];
	int n = 3;

	while (*words)
		argv[n++] = *words++;
	argv[n] = NULL;
	ck_assert_int_eq(program_run(argv, output, sizeof(output)), 0);
	ck_assert_msg(strstr(output, wanted) != NULL, "%s", output);
}

START_TEST(the_tool_scripts_access_states)
{
	const char *const standby[] = {"alua", "set", "0", "1", "standby", NULL};
	const char *const active[] = {"alua", "set", "0", "1", "active/optimized", NULL};
	const char *const show[] = {"alua", "show", "0", "--json", NULL};

	run_tool(standby, "standby");
	run_tool(show, "\"state\": \"standby\"");
	is_sense(initiator_test_unit_ready(a, 0), 6, 0x2a, 0x06);
	is_sense(initiator_test_unit_ready(a, 0), 2, 0x04, 0x0b);
	ck_assert_int_eq(initiator_drain(a, 1), SCSI_STATUS_GOOD);
	struct answer groups = CDB(a, 0, 64, 0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	is_good(groups);
	ck_assert_uint_eq(groups.data[4], 0x02);
	run_tool(active, "active/optimized");
	is_sense(initiator_test_unit_ready(a, 0), 6, 0x2a, 0x06);
	is_good(initiator_test_unit_ready(a, 0));
}
END_TEST

START_TEST(the_tool_names_what_it_cannot_set)
{
	static const char *const wrong[][3] = {
		{"0", "1", "asleep"}, {"0", "2", "standby"}, {"7", "1", "standby"}};
	char output[4096];

	for (size_t i = 0; i < 3; i++) {
		const char *const argv[] = {tool_path(), "alua",	  "set",
					    wrong[i][0], wrong[i][1],	  wrong[i][2],
					    "--control", daemon_.control, NULL};
		ck_assert_int_eq(program_run(argv, output, sizeof(output)), 4);
	}
}
END_TEST

/* ---- EXTENDED COPY ---- */

/* The LUN's NAA designator, into an identification CSCD descriptor. */
static void put_cscd(int lun, uint8_t *descriptor)
{
	struct answer answer = CDB(a, lun, 255, 0x12, 1, 0x83, 0, 255, 0);

	is_good(answer);
	ck_assert_uint_eq(answer.data[4 + 1] & 0x0f, 3);
	descriptor[0] = 0xe4;
	descriptor[4] = 1;
	descriptor[5] = 3;
	descriptor[7] = 8;
	memcpy(descriptor + 8, answer.data + 4 + 4, 8);
	put_be24(descriptor + 29, 512);
}

static struct answer copy_between(struct iscsi_context *nexus, uint8_t list_id)
{
	uint8_t list[16 + 2 * 32 + 28] = {list_id};

	put_be16(list + 2, 64);
	put_be32(list + 8, 28);
	put_cscd(0, list + 16);
	put_cscd(1, list + 48);
	uint8_t *segment = list + 80;
	segment[0] = 0x02;
	put_be16(segment + 2, 24);
	put_be16(segment + 6, 1);
	put_be16(segment + 10, COPY_BLOCKS);
	put_be64(segment + 12, 100);
	put_be64(segment + 20, 200);
	return OUT(nexus, 0, list, sizeof(list), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		   sizeof(list), 0, 0);
}

START_TEST(blocks_are_copied_from_lun_to_lun)
{
	size_t len = (size_t)COPY_BLOCKS * 512;
	uint8_t *data = malloc(len), *copied = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	is_good(initiator_write(a, 0, 100, data, COPY_BLOCKS));
	is_good(copy_between(a, 5));
	ck_assert_int_eq(initiator_read(b, 1, 200, copied, COPY_BLOCKS), SCSI_STATUS_GOOD);
	ck_assert_mem_eq(copied, data, len);
	struct answer status = CDB(a, 0, 64, 0x84, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	is_good(status);
	ck_assert_uint_eq(status.data[4], 0x01);
	ck_assert_uint_eq(get_be32(status.data + 8), len);
	free(data);
	free(copied);
}
END_TEST

START_TEST(a_reservation_of_the_other_lun_stops_the_copy)
{
	is_good(initiator_pr_out(b, 1, 0, 0, 0, 0xb, false));
	is_good(initiator_pr_out(b, 1, 1, 1, 0xb, 0, false));
	is_sense(copy_between(a, 5), 0xa, 0x0d, 0x01);
	is_good(copy_between(b, 5));
}
END_TEST

START_TEST(the_echo_buffer_echoes)
{
	is_good(OUT(a, 0, "echo", 4, 0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 4, 0));
	struct answer answer = CDB(a, 0, 64, 0x3c, 0x0a, 0, 0, 0, 0, 0, 0, 64, 0);
	is_good(answer);
	ck_assert_int_eq(answer.data_len, 4);
	ck_assert_mem_eq(answer.data, "echo", 4);
	is_sense(CDB(b, 0, 64, 0x3c, 0x0a, 0, 0, 0, 0, 0, 0, 64, 0), 5, 0x2c, 0x00);
}
END_TEST

START_TEST(statistics_count_over_all_sessions_and_are_reset)
{
	uint8_t block[512] = {0};

	is_good(initiator_write(a, 0, 0, block, 1));
	is_good(initiator_write(b, 0, 1, block, 1));
	struct answer answer = CDB(a, 0, 255, 0x4d, 0, 0x59, 0, 0, 0, 0, 0, 255, 0);
	is_good(answer);
	ck_assert_uint_eq(get_be64(answer.data + 8 + 8), 2);
	is_good(CDB(a, 0, 0, 0x4c, 0x02, 0x40, 0, 0, 0, 0, 0, 0, 0));
	answer = CDB(a, 0, 255, 0x4d, 0, 0x59, 0, 0, 0, 0, 0, 255, 0);
	ck_assert_uint_eq(get_be64(answer.data + 8 + 8), 0);
	is_sense(initiator_test_unit_ready(b, 0), 6, 0x2a, 0x02);
}
END_TEST

START_TEST(a_self_test_passes)
{
	is_good(CDB(a, 0, 0, 0x1d, 0x04, 0, 0, 0, 0));
	struct answer answer = CDB(a, 0, 16, 0x1c, 1, 0, 0, 16, 0);
	is_good(answer);
	ck_assert_int_eq(answer.data_len, 5);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, saved_mode_pages_and_names_outlive_a_kill);
	tcase_add_test(tcase, a_damaged_file_of_saved_values_is_named_and_nothing_served);
	tcase_add_test(tcase, descriptor_sense_travels);
	tcase_add_test(tcase, the_tool_scripts_access_states);
	tcase_add_test(tcase, the_tool_names_what_it_cannot_set);
	tcase_add_test(tcase, blocks_are_copied_from_lun_to_lun);
	tcase_add_test(tcase, a_reservation_of_the_other_lun_stops_the_copy);
	tcase_add_test(tcase, the_echo_buffer_echoes);
	tcase_add_test(tcase, statistics_count_over_all_sessions_and_are_reset);
	tcase_add_test(tcase, a_self_test_passes);
}

int main(void)
{
	return suite_run("integration/primary", fill);
}
