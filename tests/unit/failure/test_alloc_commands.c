/*
 * No memory while a command runs: it ends with INSUFFICIENT RESOURCES, and the next one works.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/target_fixture.h"
#include "tests/unit/failure/inject.h"

#define OUT_MAX 4096

static struct command {
	const char *name; /* for inject_each */
	uint8_t cdb[16];
	uint32_t out_len, in_len;
	uint8_t out[32]; /* the rest is zero */
	uint8_t status;	 /* when all goes well */
} const commands[] = {
	{"inquiry", {0x12, 0, 0, 0, 96}, 0, 96, {0}, 0},
	{"inquiry-vpd-device-id", {0x12, 1, 0x83, 0, 252}, 0, 252, {0}, 0},
	{"request-sense", {0x03, 0, 0, 0, 252}, 0, 252, {0}, 0},
	{"report-luns", {0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256, {0}, 0},
	{"mode-sense", {0x5a, 0, 0x3f, 0, 0, 0, 0, 1, 0}, 0, 256, {0}, 0},
	{"mode-select",
	 {0x55, 0x10, 0, 0, 0, 0, 0, 0, 28},
	 28,
	 0,
	 {[8] = 0x08, [9] = 0x12, [10] = 0x04},
	 0},
	{"log-sense", {0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0}, 0, 256, {0}, 0},
	{"report-opcodes", {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0}, 0, 4096, {0}, 0},
	{"report-port-groups", {0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256, {0}, 0},
	{"read-capacity-10", {0x25}, 0, 8, {0}, 0},
	{"read-capacity-16", {0x9e, 0x10, [13] = 32}, 0, 32, {0}, 0},
	{"get-lba-status", {0x9e, 0x12, [13] = 64}, 0, 64, {0}, 0},
	{"read-keys", {0x5e, 0, [8] = 64}, 0, 64, {0}, 0},
	{"read-reservation", {0x5e, 1, [8] = 64}, 0, 64, {0}, 0},
	{"report-capabilities", {0x5e, 2, [8] = 64}, 0, 64, {0}, 0},
	{"read-full-status", {0x5e, 3, [7] = 1}, 0, 256, {0}, 0},
	{"read", {0x28, [8] = 4}, 0, 2048, {0}, 0},
	{"write", {0x2a, [8] = 4}, 2048, 0, {0x55}, 0},
	{"write-fua", {0x2a, 0x08, [8] = 4}, 2048, 0, {0x55}, 0},
	{"verify-medium", {0x2f, [8] = 4}, 0, 0, {0}, 0},
	{"verify-bytes", {0x2f, 0x02, [8] = 4}, 2048, 0, {0}, 0},
	{"write-and-verify", {0x2e, 0x02, [8] = 4}, 2048, 0, {0x55}, 0},
	{"write-same", {0x93, [13] = 4}, 512, 0, {0x66}, 0},
	{"write-same-unmap", {0x93, 0x08, [13] = 8}, 512, 0, {0}, 0},
	{"compare-and-write", {0x89, [13] = 1}, 1024, 0, {0}, 0},
	{"unmap", {0x42, [8] = 24}, 24, 0, {[1] = 22, [3] = 16, [19] = 8}, 0},
	{"synchronize-cache", {0x35}, 0, 0, {0}, 0},
	{"prefetch", {0x34, [8] = 4}, 0, 0, {0}, 0},
	{"read-out-of-range", {0x28, [2] = 1, [8] = 1}, 0, 512, {0}, 0x02},
};

/* Which one `run_command` runs: inject_each hands nothing on. */
static const struct command *current;

static const struct fixture_result *attempt(struct fixture *f, struct scsi_nexus *nexus)
{
	static uint8_t out[OUT_MAX];

	memcpy(out, current->out, sizeof(current->out));
	return fixture_do(f, nexus,
			  &(struct fixture_command){.cdb = current->cdb,
						    .cdb_len = sizeof(current->cdb),
						    .out = out,
						    .out_len = current->out_len,
						    .in_len = current->in_len});
}

static void expect_ended_well(const struct fixture_result *result)
{
	ck_assert(!result->aborted);
	ck_assert_msg(result->status == current->status, "%s: status %02x, %s", current->name,
		      (unsigned)result->status,
		      scsi_sense_name(result->key, result->asc, result->ascq));
}

static void expect_resources(const struct fixture_result *result)
{
	ck_assert_msg(!result->aborted && result->status == SCSI_STATUS_CHECK_CONDITION &&
			      result->asc == 0x55 && result->ascq == 0x03,
		      "%s: status %02x, %s", current->name, (unsigned)result->status,
		      scsi_sense_name(result->key, result->asc, result->ascq));
	ck_assert_uint_eq(result->len, 0);
}

static void run_command(void)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});
	struct scsi_nexus *a = fixture_login(f, 'a');

	fixture_hold(f, a, 0xa, PR_TYPE_WRITE_EXCLUSIVE);
	inject_on();
	const struct fixture_result *result = attempt(f, a);
	if (inject_off()) {
		/* What can do with less, may. */
		if (result->status != current->status)
			expect_resources(result);
		result = attempt(f, a);
	}
	expect_ended_well(result);
	fixture_check(f);
	fixture_good(fixture_test_unit_ready(f, a));
	fixture_free(&f);
}

START_TEST(command_ends_with_insufficient_resources)
{
	current = &commands[_i];
	/* What never allocates has nothing that could fail. */
	inject_each_if_any(current->name, run_command);
}
END_TEST

static uint8_t block_of(struct fixture *f, struct scsi_nexus *nexus, uint32_t lba)
{
	const struct fixture_result *result = fixture_read(f, nexus, lba, 1);

	fixture_good(result);
	return result->data[0];
}

/* ---- task management ---- */

static bool managed;

static void note_managed(struct scsi_tmf *tmf)
{
	(void)tmf;
	managed = true;
}

static enum scsi_tmf_response manage(struct fixture *f, struct scsi_nexus *nexus,
				     enum scsi_tmf_function function)
{
	struct scsi_tmf tmf = {.nexus = nexus, .function = function, .complete = note_managed};

	managed = false;
	target_manage(&tmf);
	test_disk_release(&f->disks[0]);
	fixture_settle(f);
	ck_assert(managed);
	return tmf.response;
}

static enum scsi_tmf_function current_function;

static void run_tmf(void)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.luns = 3});
	struct scsi_nexus *a = fixture_login(f, 'a'), *b = fixture_login(f, 'b');

	fixture_good(fixture_write(f, a, 0, 1, 0x11));
	f->disks[0].hold = true;
	struct fixture_task *task = fixture_start_write(f, b, 0, 0x22, false);
	inject_on();
	enum scsi_tmf_response response = manage(f, a, current_function);
	if (inject_off() && response != SCSI_TMF_COMPLETE) {
		ck_assert_int_eq(response, SCSI_TMF_REJECTED);
		/* It changed nothing: the other's command ran to its end. */
		fixture_good(fixture_result(task));
		f->disks[0].hold = false;
		ck_assert_uint_eq(block_of(f, a, 0), 0x22);
		ck_assert_int_eq(manage(f, a, current_function), SCSI_TMF_COMPLETE);
	}
	f->disks[0].hold = false;
	fixture_drain_unit_attentions(f, a);
	fixture_drain_unit_attentions(f, b);
	fixture_good(fixture_write(f, b, 0, 1, 0x44));
	fixture_free(&f);
}

START_TEST(task_management_is_done_or_rejected)
{
	current_function = SCSI_TMF_CLEAR_TASK_SET;
	inject_each("clear-task-set", run_tmf);
	current_function = SCSI_TMF_LOGICAL_UNIT_RESET;
	inject_each("logical-unit-reset", run_tmf);
	current_function = SCSI_TMF_TARGET_WARM_RESET;
	inject_each("target-warm-reset", run_tmf);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, command_ends_with_insufficient_resources, 0,
			    sizeof(commands) / sizeof(commands[0]));
	tcase_add_test(tcase, task_management_is_done_or_rejected);
}

int main(void)
{
	return suite_run("alloc_commands", fill);
}
