#include "tests/unit/scenarios/scene.h"

struct pr_nexus_id scene_id(char who)
{
	return fixture_nexus_id(who, 1);
}

struct scsi_nexus *scene_login(struct scene *scene, char who)
{
	struct scsi_nexus *nexus = fixture_login(scene->f, who);
	fixture_drain_unit_attentions(scene->f, nexus);
	return nexus;
}

void scene_login_all(struct scene *scene)
{
	scene->a = scene_login(scene, 'a');
	scene->b = scene_login(scene, 'b');
	scene->c = scene_login(scene, 'c');
}

struct scene scene_open_with(const struct fixture_config *config)
{
	struct scene scene = {.f = fixture_create(config)};
	scene_login_all(&scene);
	return scene;
}

struct scene scene_open(void)
{
	return scene_open_with(NULL);
}

struct scene scene_open_spc4(void)
{
	return scene_open_with(&(struct fixture_config){.profile = &pr_profile_spc4});
}

void scene_close(struct scene *scene)
{
	fixture_check(scene->f);
	fixture_free(&scene->f);
}

/* ---- commands ---- */

const struct fixture_result *scene_out(struct scene *scene, struct scsi_nexus *nexus,
				       enum pr_out_action action, unsigned type, uint64_t key,
				       uint64_t new_key)
{
	return fixture_pr_out(scene->f, nexus, action, (uint8_t)type, key, new_key, 0);
}

void scene_register(struct scene *scene, struct scsi_nexus *nexus, uint64_t key)
{
	fixture_good(scene_out(scene, nexus, PR_OUT_REGISTER, 0, 0, key));
}

void scene_register_aptpl(struct scene *scene, struct scsi_nexus *nexus, uint64_t key)
{
	fixture_good(fixture_pr_out(scene->f, nexus, PR_OUT_REGISTER, 0, 0, key, APTPL));
}

void scene_hold(struct scene *scene, struct scsi_nexus *nexus, uint64_t key, unsigned type)
{
	scene_register(scene, nexus, key);
	fixture_good(scene_out(scene, nexus, PR_OUT_RESERVE, type, key, 0));
}

const struct fixture_result *scene_move(struct scene *scene, struct scsi_nexus *nexus, uint64_t key,
					uint64_t new_key, uint8_t flags,
					const struct pr_nexus_id *to)
{
	uint8_t list[288];
	uint32_t len = fixture_move_list(list, key, new_key, flags, to);
	return fixture_pr_out_list(scene->f, nexus, PR_OUT_REGISTER_AND_MOVE, 0, list, len);
}

const struct fixture_result *scene_do(struct scene *scene, struct scsi_nexus *nexus,
				      const uint8_t cdb[16], uint32_t out_len, uint32_t in_len)
{
	return fixture_do(scene->f, nexus,
			  &(struct fixture_command){
				  .cdb = cdb, .cdb_len = 16, .out_len = out_len, .in_len = in_len});
}

const struct fixture_result *scene_run(struct scene *scene, struct scsi_nexus *nexus,
				       const struct scene_command *command)
{
	return scene_do(scene, nexus, command->cdb, command->out_len, command->in_len);
}

bool scene_supports(const struct scene_command *command)
{
	struct scene s = scene_open();
	const struct fixture_result *result = scene_run(&s, s.c, command);
	bool supported = result->asc != 0x20;

	if (supported)
		ck_assert_msg(result->status == SCSI_STATUS_GOOD, "%s: status %02x, %s",
			      command->name, (unsigned)result->status,
			      scsi_sense_name(result->key, result->asc, result->ascq));
	scene_close(&s);
	return supported;
}

/* ---- state ---- */

static const struct fixture_result *told(struct scene *scene, enum pr_in_action action)
{
	/* A nexus of its own, so that nobody's unit attentions are disturbed. */
	struct scsi_nexus *teller = scene_login(scene, 'z');
	const struct fixture_result *result = fixture_pr_in(scene->f, teller, action, 8192);
	fixture_good(result);
	fixture_logout(scene->f, teller);
	return result;
}

struct scene_state scene_state(struct scene *scene)
{
	struct scene_state state = {.len = 0};

	for (unsigned action = PR_IN_READ_KEYS; action <= PR_IN_REPORT_CAPABILITIES; action++) {
		const struct fixture_result *result = told(scene, (enum pr_in_action)action);
		ck_assert_uint_le(result->len, sizeof(state.bytes) - state.len);
		memcpy(state.bytes + state.len, result->data, result->len);
		state.len += result->len;
	}
	return state;
}

uint32_t scene_generation(struct scene *scene)
{
	return get_be32(told(scene, PR_IN_READ_KEYS)->data);
}

unsigned scene_key_total(struct scene *scene)
{
	return get_be32(told(scene, PR_IN_READ_KEYS)->data + 4) / 8;
}

unsigned scene_key_count(struct scene *scene, uint64_t key)
{
	const struct fixture_result *result = told(scene, PR_IN_READ_KEYS);
	unsigned count = 0;

	for (size_t at = 8; at < result->len; at += 8)
		if (get_be64(result->data + at) == key)
			count++;
	return count;
}

unsigned scene_type(struct scene *scene)
{
	const struct fixture_result *result = told(scene, PR_IN_READ_RESERVATION);
	if (result->len == 8)
		return 0;
	ck_assert_uint_eq(result->len, 24);
	ck_assert_uint_ne(result->data[21], 0);
	return result->data[21];
}

uint64_t scene_holder_key(struct scene *scene)
{
	const struct fixture_result *result = told(scene, PR_IN_READ_RESERVATION);
	return result->len == 24 ? get_be64(result->data + 8) : 0;
}

bool scene_ptpl_active(struct scene *scene)
{
	return (told(scene, PR_IN_REPORT_CAPABILITIES)->data[3] & 1) != 0;
}

/* ---- unit attentions ---- */

void scene_unit_attention(struct scene *scene, struct scsi_nexus *nexus, uint8_t asc, uint8_t ascq)
{
	fixture_sense(fixture_test_unit_ready(scene->f, nexus), 6, asc, ascq);
}

void scene_quiet(struct scene *scene, struct scsi_nexus *nexus)
{
	fixture_good(fixture_test_unit_ready(scene->f, nexus));
}

void scene_two_unit_attentions(struct scene *scene, struct scsi_nexus *nexus, const uint8_t a[2],
			       const uint8_t b[2])
{
	uint8_t seen[2][2];

	for (unsigned i = 0; i < 2; i++) {
		const struct fixture_result *result = fixture_test_unit_ready(scene->f, nexus);
		ck_assert_uint_eq(result->key, 6);
		seen[i][0] = result->asc;
		seen[i][1] = result->ascq;
	}
	bool in_order = memcmp(seen[0], a, 2) == 0 && memcmp(seen[1], b, 2) == 0;
	bool reversed = memcmp(seen[0], b, 2) == 0 && memcmp(seen[1], a, 2) == 0;
	ck_assert_msg(in_order || reversed, "unit attentions %02x/%02x and %02x/%02x", seen[0][0],
		      seen[0][1], seen[1][0], seen[1][1]);
}

unsigned scene_resets(struct scene *scene, struct scsi_nexus *nexus)
{
	unsigned count = 0;
	const struct fixture_result *result;

	while ((result = fixture_test_unit_ready(scene->f, nexus))->key == 6)
		if (result->asc == 0x29)
			count++;
	return count;
}

/* ---- tables ---- */

const struct scene_command scene_reads[] = {
	{"READ(6)", {0x08, 0, 0, 0, 1}, 0, 512},
	{"READ(10)", {0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 512},
	{"READ(12)", {0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 512},
	{"READ(16)", {0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 512},
	{"VERIFY(10)", {0x2f, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 0},
	{"VERIFY(16)", {0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 0},
	{"MODE SENSE(6)", {0x1a, 0, 0x3f, 0, 192}, 0, 192},
	{"MODE SENSE(10)", {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192}, 0, 192},
	{"GET LBA STATUS", {0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24}, 0, 24},
	{"PRE-FETCH(10)", {0x34, 0, 0, 0, 0, 0, 0, 0, 1}, 0, 0},
	{"REPORT SUPPORTED OPERATION CODES", {0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REPORT SUPPORTED TASK MANAGEMENT", {0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"READ DEFECT DATA(10)", {0x37, 0, 0x08, 0, 0, 0, 0, 0, 4}, 0, 4},
	{"READ BUFFER(10)", {0x3c, 3, 0, 0, 0, 0, 0, 0, 4}, 0, 4},
};
const unsigned scene_read_count = sizeof(scene_reads) / sizeof(scene_reads[0]);

const struct scene_command scene_writes[] = {
	{"WRITE(6)", {0x0a, 0, 0, 0, 1}, 512, 0},
	{"WRITE(10)", {0x2a, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"WRITE(12)", {0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"WRITE(16)", {0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"WRITE AND VERIFY(10)", {0x2e, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"WRITE SAME(10)", {0x41, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"WRITE SAME(16)", {0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
	{"UNMAP", {0x42, 0, 0, 0, 0, 0, 0, 0, 24}, 24, 0},
	{"COMPARE AND WRITE", {0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 1024, 0},
	{"SYNCHRONIZE CACHE(10)", {0x35}, 0, 0},
	{"SYNCHRONIZE CACHE(16)", {0x91}, 0, 0},
	{"MODE SELECT(6)", {0x15, 0x10, 0, 0, 0}, 0, 0},
	{"MODE SELECT(10)", {0x55, 0x10}, 0, 0},
	{"FORMAT UNIT", {0x04}, 0, 0},
	{"SANITIZE, block erase", {0x48, 0x02}, 0, 0},
	{"WRITE BUFFER", {0x3b, 0x0a}, 0, 0},
	{"LOG SELECT", {0x4c}, 0, 0},
	{"SEND DIAGNOSTIC", {0x1d, 0x04}, 0, 0},
	{"REASSIGN BLOCKS", {0x07}, 4, 0},
	{"ORWRITE(16)", {0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 512, 0},
};
const unsigned scene_write_count = sizeof(scene_writes) / sizeof(scene_writes[0]);

const struct scene_command scene_allowed[] = {
	{"TEST UNIT READY", {0x00}, 0, 0},
	{"INQUIRY", {0x12, 0, 0, 0, 96}, 0, 96},
	{"REPORT LUNS", {0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"REQUEST SENSE", {0x03, 0, 0, 0, 252}, 0, 252},
	{"LOG SENSE", {0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"READ CAPACITY(10)", {0x25}, 0, 8},
	{"READ CAPACITY(16)", {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32}, 0, 32},
	{"REPORT TARGET PORT GROUPS", {0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"PR IN, READ KEYS", {0x5e, 0, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"PR IN, READ RESERVATION", {0x5e, 1, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"PR IN, REPORT CAPABILITIES", {0x5e, 2, 0, 0, 0, 0, 0, 1, 0}, 0, 256},
	{"START STOP UNIT, START = 1", {0x1b, 0, 0, 0, 0x01}, 0, 0},
	{"PREVENT ALLOW, PREVENT = 0", {0x1e}, 0, 0},
};
const unsigned scene_allowed_count = sizeof(scene_allowed) / sizeof(scene_allowed[0]);

/* ---- task management and sessions ---- */

static void on_managed(struct scsi_tmf *tmf)
{
	ck_assert_int_eq(tmf->response, SCSI_TMF_COMPLETE);
	*(bool *)tmf->owner = true;
}

void scene_manage(struct scene *scene, struct scsi_nexus *nexus, enum scsi_tmf_function function)
{
	bool managed = false;
	struct scsi_tmf tmf = {
		.nexus = nexus, .function = function, .owner = &managed, .complete = on_managed};

	target_manage(&tmf);
	fixture_settle(scene->f);
	ck_assert(managed);
}

static void note_closed(void *context)
{
	*(bool *)context = true;
}

void scene_end(struct scene *scene, struct scsi_nexus *nexus, enum scsi_nexus_end why)
{
	bool closed = false;

	scsi_nexus_close(nexus, why, note_closed, &closed);
	fixture_settle(scene->f);
	ck_assert(closed);
}
