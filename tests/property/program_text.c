/* The other commands that programs use, and programs in words. */
#include "tests/property/program.h"

#include <string.h>

/* Each is harmless when it runs: few blocks, or none, and nothing that changes the device. FORMAT
 * UNIT and the other SANITIZEs would leave it to nobody for a while. */
const struct program_other program_others[] = {
	{"TEST UNIT READY", {0x00}, 0, 0},
	{"INQUIRY", {0x12, 0, 0, 0, 96}, 0, 96},
	{"REPORT LUNS", {0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"LOG SENSE", {0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REPORT TARGET PORT GROUPS", {0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REPORT SUPPORTED OPERATION CODES", {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REPORT SUPPORTED TMFS", {0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REPORT IDENTIFYING INFORMATION", {0xa3, 0x05, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"MODE SENSE(6)", {0x1a, 0, 0x3f, 0, 192}, 0, 192},
	{"MODE SENSE(10)", {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192}, 0, 192},
	{"MODE SELECT(6)", {0x15, 0x10, 0, 0, 0}, 0, 0},
	{"MODE SELECT(10)", {0x55, 0x10}, 0, 0},
	{"LOG SELECT", {0x4c}, 0, 0},
	{"SEND DIAGNOSTIC", {0x1d, 0x04}, 0, 0},
	{"RECEIVE DIAGNOSTIC RESULTS", {0x1c, 0, 0, 0, 64}, 0, 64},
	{"READ BUFFER(10)", {0x3c, 3, 0, 0, 0, 0, 0, 0, 4}, 0, 4},
	{"WRITE BUFFER", {0x3b, 0x0a}, 0, 0}, /* echo buffer */
	{"READ CAPACITY(10)", {0x25}, 0, 8},
	{"READ CAPACITY(16)", {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32}, 0, 32},
	{"GET LBA STATUS", {0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24}, 0, 24},
	{"READ(6)", {0x08, 0, 0, 0, 1}, 0, 512},
	{"READ(10)", {0x28, 0, 0, 0, 0, 1, 0, 0, 1}, 0, 512},
	{"READ(12)", {0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 512},
	{"READ(16)", {0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 512},
	{"VERIFY(10)", {0x2f, 0, 0, 0, 0, 1, 0, 0, 1}, 0, 0},
	{"VERIFY(12)", {0xaf, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 0},
	{"VERIFY(16)", {0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 0},
	{"WRITE(6)", {0x0a, 0, 0, 0, 1}, 512, 0},
	{"WRITE(10)", {0x2a, 0, 0, 0, 0, 1, 0, 0, 1}, 512, 0},
	{"WRITE(12)", {0xaa, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"WRITE(16)", {0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"WRITE AND VERIFY(10)", {0x2e, 0, 0, 0, 0, 1, 0, 0, 1}, 512, 0},
	{"WRITE AND VERIFY(12)", {0xae, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"WRITE AND VERIFY(16)", {0x8e, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"WRITE SAME(10)", {0x41, 0, 0, 0, 0, 1, 0, 0, 1}, 512, 0},
	{"WRITE SAME(16)", {0x93, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"COMPARE AND WRITE", {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}, 0, 0},
	{"UNMAP", {0x42, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0},
	{"SYNCHRONIZE CACHE(10)", {0x35}, 0, 0},
	{"SYNCHRONIZE CACHE(16)", {0x91}, 0, 0},
	{"START STOP UNIT, START=1", {0x1b, 0, 0, 0, 0x01}, 0, 0},
	{"PREVENT ALLOW, PREVENT=0", {0x1e, 0, 0, 0, 0}, 0, 0},
	{"SANITIZE, EXIT FAILURE MODE", {0x48, 0x1f}, 0, 0},
	{"REASSIGN BLOCKS", {0x07}, 0, 0},
	{"READ DEFECT DATA(10)", {0x37, 0, 0x08, 0, 0, 0, 0, 0, 4}, 0, 4},
	{"PRE-FETCH(10)", {0x34, 0, 0, 0, 0, 1, 0, 0, 1}, 0, 0},
	{"ORWRITE(16)", {0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, 512, 0},
	{"EXTENDED COPY", {0x83}, 0, 0},
	{"a vendor specific operation code", {0xf7}, 0, 0},
};
const unsigned program_other_count = sizeof(program_others) / sizeof(program_others[0]);

static void print_bytes(const uint8_t *bytes, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, " %02x", bytes[i]);
}

static void print_pr_out(const struct program_step *step, FILE *out)
{
	static const char *const names[] = {
		"REGISTER",
		"RESERVE",
		"RELEASE",
		"CLEAR",
		"PREEMPT",
		"PREEMPT AND ABORT",
		"REGISTER AND IGNORE EXISTING KEY",
		"REGISTER AND MOVE",
	};
	unsigned action = step->cdb[1] & 0x1f;
	const uint8_t *list = step->list;

	if (action < 8)
		fprintf(out, "%s", names[action]);
	else
		fprintf(out, "PR OUT service action %02Xh", action);
	fprintf(out, ", scope %u, type %u, RK %llx, SARK %llx", step->cdb[2] >> 4,
		step->cdb[2] & 0x0f, (unsigned long long)model_be(list, 8),
		(unsigned long long)model_be(list + 8, 8));
	if (action == 7)
		fprintf(out, ", UNREG %d, APTPL %d, RTPI %u", list[17] >> 1 & 1, list[17] & 1,
			(unsigned)model_be(list + 18, 2));
	else
		fprintf(out, ", SPEC_I_PT %d, ALL_TG_PT %d, APTPL %d", list[20] >> 3 & 1,
			list[20] >> 2 & 1, list[20] & 1);
	if (step->store_error != PROGRAM_STORE_WORKS)
		fprintf(out, ", while the store answers %s",
			step->store_error == PROGRAM_STORE_NO_SPACE ? "ENOSPC" : "EIO");
}

static void print_name(const struct program_step *step, FILE *out)
{
	static const char *const in_names[] = {"READ KEYS", "READ RESERVATION",
					       "REPORT CAPABILITIES", "READ FULL STATUS"};

	if (step->cdb[0] == 0x5f) {
		print_pr_out(step, out);
	} else if (step->cdb[0] == 0x5e) {
		unsigned action = step->cdb[1] & 0x1f;
		fprintf(out, "%s, allocation length %u",
			action < 4 ? in_names[action] : "PR IN with another service action",
			(unsigned)model_be(step->cdb + 7, 2));
	} else if (step->cdb[0] == 0x16 || step->cdb[0] == 0x56) {
		fprintf(out, "RESERVE(%d)", step->cdb[0] == 0x16 ? 6 : 10);
	} else if (step->cdb[0] == 0x17 || step->cdb[0] == 0x57) {
		fprintf(out, "RELEASE(%d)", step->cdb[0] == 0x17 ? 6 : 10);
	} else if (step->cdb[0] == 0x03) {
		fprintf(out, "REQUEST SENSE");
	} else {
		for (unsigned i = 0; i < program_other_count; i++)
			if (memcmp(program_others[i].cdb, step->cdb, 16) == 0)
				fprintf(out, "%s", program_others[i].name);
	}
}

void program_step_print(const struct program_step *step, FILE *out)
{
	static const char *const kinds[PROGRAM_KIND_COUNT] = {
		[PROGRAM_WRITE_BEGIN] = "WRITE(10), data withheld",
		[PROGRAM_WRITE_DATA] = "gives its oldest write the data",
		[PROGRAM_READ_BEGIN] = "READ(10) that hangs at the disk",
		[PROGRAM_DISK_GOES] = "(whoever) the disk goes on",
		[PROGRAM_LOGIN] = "logs in",
		[PROGRAM_LOGOUT] = "logs out",
		[PROGRAM_LOSS] = "loses its connection",
		[PROGRAM_REINSTATE] = "reinstates its session",
		[PROGRAM_LU_RESET] = "LOGICAL UNIT RESET",
		[PROGRAM_TARGET_RESET] = "TARGET WARM RESET",
		[PROGRAM_RESTART] = "(whoever) kill -9, and the target starts again",
	};

	fprintf(out, "nexus %u%s: ", step->nexus, step->together ? " (with the next)" : "");
	if (step->kind != PROGRAM_COMMAND) {
		fprintf(out, "%s\n", kinds[step->kind]);
		return;
	}
	print_name(step, out);
	fprintf(out, "\n        CDB");
	print_bytes(step->cdb, 10, out);
	if (step->expected_out > 0 || step->cdb[0] == 0x5f) {
		fprintf(out, "; EDTL %u; list", step->expected_out);
		print_bytes(step->list, step->list_len, out);
	} else {
		fprintf(out, "; EDTL %u", step->expected_in);
	}
	fprintf(out, "\n");
}

void program_setup_print(const struct program_setup *setup, FILE *out)
{
	fprintf(out, "profile %s, TAS %d, at most %u registrations, %u target ports, seed %#llx\n",
		setup->profile, setup->tas, setup->limit, setup->port_count,
		(unsigned long long)setup->seed);
	for (unsigned i = 0; i < setup->nexus_count; i++) {
		const struct model_identity *who = &setup->nexuses[i];
		fprintf(out, "  nexus %u: %s, ISID %02x%02x%02x%02x%02x%02x, port %u\n", i,
			who->name, who->isid[0], who->isid[1], who->isid[2], who->isid[3],
			who->isid[4], who->isid[5], who->port);
	}
}
