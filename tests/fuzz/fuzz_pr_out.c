/*
 * PERSISTENT RESERVE OUT parameter lists and TransportIDs, in both profiles: from three nexuses,
 * with the keys and lengths made right where the input asks for it, so that it gets past the first
 * checks. Whatever comes: a command that is not GOOD changes nothing, PRGENERATION moves by one or
 * not at all, PERSISTENT RESERVE IN agrees with the state, and the state stays sound.
 *
 * Input: one byte of set-up, then commands: {how, nexus, service action, scope and type, length of
 * the list (two bytes), the list}.
 */
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/state.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/support/target_fixture.h"

#define NEXUSES	     3
#define COMMANDS_MAX 128
#define LIST_MAX     8256 /* a little more than is ever read */

enum how {
	HOW_KEY = 1 << 0,     /* RESERVATION KEY: the one the nexus has */
	HOW_LENGTHS = 1 << 1, /* the lengths inside the list agree with its own */
	HOW_HOLDER = 1 << 2,  /* comes from who holds the reservation */
	HOW_SHORT = 1 << 3,   /* the initiator expects to send less */
	HOW_APTPL = 1 << 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

struct run {
	struct byte_reader in;
	struct fixture *f;
	struct scsi_nexus *nexuses[NEXUSES];
	uint8_t list[LIST_MAX];
};

/* The state as bytes: all but the time that things came about. */
static size_t state_bytes(const struct fixture *f, uint8_t *out, size_t cap)
{
	const struct pr_state *state = scsi_lun_pr_state(scsi_target_lun(f->target, 0));
	struct pr_reservation reservation = pr_state_reservation(state);
	struct byte_writer w = byte_writer_over(out, cap);
	const struct pr_registration *r;

	byte_writer_u8(&w, pr_state_aptpl(state));
	byte_writer_u8(&w, (uint8_t)reservation.type);
	byte_writer_be64(&w, reservation.holder_id);
	for (r = pr_state_first(state); r; r = pr_state_next(state, r)) {
		byte_writer_be64(&w, r->id);
		byte_writer_be64(&w, r->key);
		byte_writer_bytes(&w, r->nexus.isid, PR_ISID_LEN);
		byte_writer_be16(&w, r->nexus.relative_target_port_id);
		byte_writer_bytes(&w, r->nexus.initiator_name, strlen(r->nexus.initiator_name) + 1);
	}
	require(!w.overflow);
	return w.len;
}

static uint32_t generation(struct run *run)
{
	return fixture_generation(run->f);
}

static struct scsi_nexus *choose_nexus(struct run *run, uint8_t how, uint8_t who)
{
	for (unsigned n = 0; n < NEXUSES && (how & HOW_HOLDER); n++)
		if (fixture_holds(run->f, scsi_nexus_id(run->nexuses[n])))
			return run->nexuses[n];
	return run->nexuses[who % NEXUSES];
}

static void make_right(struct run *run, uint8_t how, const struct scsi_nexus *nexus, uint8_t action,
		       uint32_t len)
{
	if ((how & HOW_KEY) && len >= 8)
		put_be64(run->list, fixture_key_of(run->f, scsi_nexus_id(nexus)));
	if ((how & HOW_LENGTHS) && len >= 28) {
		if (action == PR_OUT_REGISTER_AND_MOVE) {
			put_be32(run->list + 20, len - 24);
			put_be16(run->list + 26, (uint16_t)(len - 28));
		} else {
			put_be32(run->list + 24, len - 28);
		}
	}
	if ((how & HOW_APTPL) && len >= 24)
		run->list[action == PR_OUT_REGISTER_AND_MOVE ? 17 : 20] |= 1;
}

/* What PR IN tells is what the state says. */
static void check_pr_in(struct run *run)
{
	const struct fixture_result *keys =
		fixture_pr_in(run->f, run->nexuses[0], PR_IN_READ_KEYS, 0xffff);
	if (keys->status == SCSI_STATUS_CHECK_CONDITION) {
		require(keys->key == 6); /* a unit attention first */
		return;
	}
	require(keys->status == SCSI_STATUS_GOOD && keys->len >= 8);
	require(get_be32(keys->data) == generation(run));
	require(get_be32(keys->data + 4) == 8 * fixture_registrations(run->f));
	require(keys->len == 8 + 8 * (size_t)fixture_registrations(run->f));

	const struct fixture_result *held =
		fixture_pr_in(run->f, run->nexuses[0], PR_IN_READ_RESERVATION, 0xffff);
	require(held->status == SCSI_STATUS_GOOD);
	require(held->len == (fixture_reserved(run->f) == PR_TYPE_NONE ? 8 : 24));
	if (held->len == 24)
		require((enum pr_type)(held->data[21] & 0x0f) == fixture_reserved(run->f));
}

static void one_command(struct run *run)
{
	static uint8_t before[1 << 16], after[1 << 16];
	uint8_t how = byte_reader_u8(&run->in);
	uint8_t who = byte_reader_u8(&run->in);
	uint8_t action = byte_reader_u8(&run->in) & 0x1f;
	uint8_t scope_type = byte_reader_u8(&run->in);
	uint32_t len = byte_reader_be16(&run->in) % LIST_MAX;
	size_t left = byte_reader_left(&run->in);
	size_t take = left < len ? left : len;
	uint8_t cdb[16] = {0x5f, action, scope_type};

	memset(run->list, 0, sizeof(run->list));
	if (take > 0)
		memcpy(run->list, byte_reader_take(&run->in, take), take);
	struct scsi_nexus *nexus = choose_nexus(run, how, who);
	make_right(run, how, nexus, action, len);
	put_be32(cdb + 5, len);

	size_t before_len = state_bytes(run->f, before, sizeof(before));
	uint32_t old_generation = generation(run);
	const struct fixture_result *result =
		fixture_do(run->f, nexus,
			   &(struct fixture_command){.cdb = cdb,
						     .cdb_len = 16,
						     .out = run->list,
						     .out_len = (how & HOW_SHORT) ? len / 2 : len});
	size_t after_len = state_bytes(run->f, after, sizeof(after));
	uint32_t passed = generation(run) - old_generation;

	require(!result->aborted && result->len == 0);
	if (result->status != SCSI_STATUS_GOOD) {
		require(passed == 0);
		require(before_len == after_len && memcmp(before, after, after_len) == 0);
	}
	require(passed <= 1);
	if (action == PR_OUT_RESERVE || action == PR_OUT_RELEASE)
		require(passed == 0);
	fixture_check(run->f);
	check_pr_in(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *run = calloc(1, sizeof(*run));
	require(run != NULL);
	run->in = byte_reader_over(data, size);
	uint8_t set_up = byte_reader_u8(&run->in);

	run->f = fixture_create(&(struct fixture_config){
		.profile = (set_up & 1) ? &pr_profile_spc4 : &pr_profile_dlt_s4,
		.blocks = 8,
		.registrations_max = (set_up & 2) ? 4 : 64});
	for (unsigned n = 0; n < NEXUSES; n++) {
		run->nexuses[n] = fixture_login(run->f, (char)('a' + n));
		fixture_drain_unit_attentions(run->f, run->nexuses[n]);
	}
	for (unsigned i = 0; i < COMMANDS_MAX && byte_reader_left(&run->in) > 0; i++)
		one_command(run);
	require(fixture_restart(run->f) == 0);
	fixture_check(run->f);
	fixture_free(&run->f);
	free(run);
	return 0;
}
