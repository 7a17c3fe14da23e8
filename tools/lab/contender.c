#include "tools/lab/contender.h"

#include <assert.h>
#include <string.h>

#include "pr_engine/bytes.h"

/* How often, for one who believes to be registered and for one who does not. */
struct weight {
	enum history_op op;
	uint16_t registered, stranger;
};

static const struct weight weights[] = {
	{HISTORY_WRITE, 260, 200},
	{HISTORY_READ, 150, 120},
	{HISTORY_TEST_UNIT_READY, 70, 70},
	{HISTORY_READ_KEYS, 50, 50},
	{HISTORY_READ_RESERVATION, 60, 50},
	{HISTORY_READ_FULL_STATUS, 20, 20},
	{HISTORY_REPORT_CAPABILITIES, 5, 5},
	{HISTORY_REGISTER, 30, 220},
	{HISTORY_REGISTER_AND_IGNORE, 20, 120},
	{HISTORY_REGISTER_AND_MOVE, 15, 2},
	{HISTORY_RESERVE, 90, 8},
	{HISTORY_RELEASE, 60, 8},
	{HISTORY_CLEAR, 6, 2},
	{HISTORY_PREEMPT, 40, 5},
	{HISTORY_PREEMPT_AND_ABORT, 40, 5},
	{HISTORY_SPC2_RESERVE, 4, 10},
	{HISTORY_SPC2_RELEASE, 4, 10},
	{HISTORY_CDB, 80, 80},
	{HISTORY_LUN_RESET, 2, 2},
	{HISTORY_TARGET_RESET, 1, 1},
};

/* Of 1000 moves. */
#define LOGOUT_PER_MILLE 3
#define CUT_PER_MILLE	 4

/* Of 100 writes: then the node hangs, and may be fenced before it comes to. */
#define STALL_PERCENT 3
#define STALL_MS_MAX  30

uint64_t contender_random(uint64_t *generator)
{
	uint64_t x = *generator += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint32_t contender_below(uint64_t *generator, uint32_t bound)
{
	return (uint32_t)(((contender_random(generator) >> 32) * bound) >> 32);
}

static bool chance(struct contender *c, uint32_t percent)
{
	return contender_below(&c->generator, 100) < percent;
}

void contender_init(struct contender *contender, uint32_t index, uint64_t seed)
{
	uint64_t generator = seed;

	memset(contender, 0, sizeof(*contender));
	contender->index = index;
	contender->generator = contender_random(&generator) ^ ((uint64_t)(index + 1) << 32);
}

/* ---- parts of a command ---- */

static uint64_t own_key(const struct contender *c, const struct contest *contest, uint16_t lun)
{
	return contest->keys[c->index][lun - contest->first_lun];
}

/* A new key: its own, or, now and then, one that several share. */
static uint64_t draw_key(struct contender *c)
{
	if (chance(c, 12))
		return 0xd000 + contender_below(&c->generator, 3);
	return 0x100 * ((uint64_t)c->index + 1) + contender_below(&c->generator, 4);
}

/* Somebody's key; rarely one that nobody has, none, or the own one. */
static uint64_t draw_victim(struct contender *c, const struct contest *contest, uint16_t lun)
{
	const unsigned at = (unsigned)(lun - contest->first_lun);
	uint32_t first = contender_below(&c->generator, contest->contenders);
	uint32_t kind = contender_below(&c->generator, 100);

	if (kind < 30 && c->luns[at].holder_key != 0)
		return c->luns[at].holder_key;
	if (kind < 33)
		return 0xbad;
	if (kind < 38)
		return 0;
	if (kind < 41)
		return own_key(c, contest, lun);
	for (uint32_t i = 0; i < contest->contenders; i++) {
		uint32_t other = (first + i) % contest->contenders;
		if (other != c->index && contest->keys[other][at] != 0)
			return contest->keys[other][at];
	}
	return 0xbad;
}

static uint8_t draw_type(struct contender *c, const struct contest *contest)
{
	static const struct {
		uint8_t type, byte, bit;
	} types[] = {{1, 0, 0x02}, {3, 0, 0x08}, {5, 0, 0x20},
		     {6, 0, 0x40}, {7, 0, 0x80}, {8, 1, 0x01}};
	uint8_t offered[6], count = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((contest->type_mask[types[i].byte] & types[i].bit) != 0)
			offered[count++] = types[i].type;
	if (count == 0 || chance(c, 1))
		return (uint8_t)contender_below(&c->generator, 16);
	return offered[contender_below(&c->generator, count)];
}

static uint64_t draw_current_key(struct contender *c, const struct contest *contest, uint16_t lun)
{
	return chance(c, 3) ? 0xbad : own_key(c, contest, lun);
}

static void fill_register(struct contender *c, const struct contest *contest,
			  struct history_command *command)
{
	bool registered = own_key(c, contest, command->lun) != 0;

	command->key = draw_current_key(c, contest, command->lun);
	command->action_key = registered && chance(c, 30) ? 0 : draw_key(c);
	command->aptpl = chance(c, 70) && contest->aptpl;
	command->all_tg_pt = contest->all_tg_pt && chance(c, 5);
}

static void fill_pr_out(struct contender *c, const struct contest *contest,
			struct history_command *command)
{
	const unsigned at = (unsigned)(command->lun - contest->first_lun);

	command->key = draw_current_key(c, contest, command->lun);
	command->type = draw_type(c, contest);
	if (command->op == HISTORY_PREEMPT || command->op == HISTORY_PREEMPT_AND_ABORT)
		command->action_key = draw_victim(c, contest, command->lun);
	if (command->op == HISTORY_RELEASE && c->luns[at].holder_type != 0 && chance(c, 90))
		command->type = c->luns[at].holder_type;
	if (command->op != HISTORY_REGISTER_AND_MOVE)
		return;
	command->move_to = contest->nexuses[contender_below(&c->generator, contest->contenders)];
	command->action_key = draw_key(c);
	command->unregister_source = chance(c, 50);
	command->aptpl = chance(c, 70) && contest->aptpl;
}

static void fill_blocks(struct contender *c, const struct contest *contest,
			struct history_command *command)
{
	uint32_t longest =
		contest->blocks < CONTENDER_BLOCKS_MAX ? contest->blocks : CONTENDER_BLOCKS_MAX;

	command->blocks = 1 + contender_below(&c->generator, longest);
	command->lba = contest->lba +
		       contender_below(&c->generator, contest->blocks - command->blocks + 1);
	if (command->op != HISTORY_WRITE)
		return;
	command->fua = contest->fua_percent > 0 && chance(c, contest->fua_percent);
	command->sequence = ++c->sequence;
	command->generation_seen = c->luns[command->lun - contest->first_lun].generation;
}

/* ---- other commands: one of each class, none of which touches a tagged block ---- */

struct other_command {
	uint8_t cdb[16], len, access;
	uint8_t in_len, out_len;
	uint8_t out_blocks;	 /* of zeros */
	uint8_t lba_at, lba_len; /* where the scratch block's LBA goes */
};

#define ALLOWED HISTORY_ACCESS_ALLOWED
#define READS	HISTORY_ACCESS_READ
#define WRITES	HISTORY_ACCESS_WRITE

#define SYNCHRONIZE_CACHE                         \
	{                                         \
		{0x35}, 10, WRITES, 0, 0, 0, 0, 0 \
	} /* (10), all blocks */

static const struct other_command synchronize_cache = SYNCHRONIZE_CACHE;

/* clang-format off */
static const struct other_command other_commands[] = {
	{{0x12, 0, 0, 0, 96}, 6, ALLOWED, 96, 0, 0, 0, 0}, /* INQUIRY */
	{{0x25}, 10, ALLOWED, 8, 0, 0, 0, 0}, /* READ CAPACITY(10) */
	{{0x4d, 0, 0x40, 0, 0, 0, 0, 0, 64}, 10, ALLOWED, 64, 0, 0, 0, 0}, /* LOG SENSE */
	{{0x1a, 0, 0x0a, 0, 64}, 6, READS, 64, 0, 0, 0, 0}, /* MODE SENSE(6) */
	{{[0] = 0x2f, [8] = 1}, 10, READS, 0, 0, 0, 2, 4}, /* VERIFY(10) */
	{{[0] = 0x9e, [1] = 0x12, [13] = 32}, 16, READS, 32, 0, 0, 2, 8}, /* GET LBA STATUS */
	SYNCHRONIZE_CACHE,
	{{[0] = 0x42, [8] = 24}, 10, WRITES, 0, 24, 0, 0, 0}, /* UNMAP */
	{{[0] = 0x41, [8] = 1}, 10, WRITES, 0, 0, 1, 2, 4}, /* WRITE SAME(10) */
	{{[0] = 0x2e, [8] = 1}, 10, WRITES, 0, 0, 1, 2, 4}, /* WRITE AND VERIFY(10) */
	{{[0] = 0x89, [13] = 1}, 16, WRITES, 0, 0, 2, 2, 8}, /* COMPARE AND WRITE */
	{{[0] = 0x8b, [13] = 1}, 16, WRITES, 0, 0, 1, 2, 8}, /* ORWRITE(16) */
};
/* clang-format on */

static void put_unmap_list(uint8_t *list, uint64_t lba)
{
	put_be16(list, 22);
	put_be16(list + 2, 16);
	put_be64(list + 8, lba);
	put_be32(list + 16, 1);
}

static void fill_cdb(struct contender *c, const struct contest *contest,
		     struct contender_move *move)
{
	uint32_t count = sizeof(other_commands) / sizeof(other_commands[0]);
	const struct other_command *other = &other_commands[contender_below(&c->generator, count)];
	struct history_command *command = &move->command;

	if (contest->sync_percent > 0 && chance(c, contest->sync_percent))
		other = &synchronize_cache;
	command->cdb_len = other->len;
	memcpy(command->cdb, other->cdb, sizeof(other->cdb));
	command->access = (enum history_access)other->access;
	/* The judge is told which block this may change. */
	command->lba = contest->scratch_lba;
	command->blocks = 1;
	if (other->lba_len == 4)
		put_be32(command->cdb + other->lba_at, (uint32_t)contest->scratch_lba);
	else if (other->lba_len == 8)
		put_be64(command->cdb + other->lba_at, contest->scratch_lba);
	move->in_len = other->in_len;
	move->out_len = other->out_len + (size_t)other->out_blocks * contest->block_size;
	if (other->out_len > 0)
		put_unmap_list(move->out, contest->scratch_lba);
}

/* ---- the move ---- */

static bool takes_part(const struct contest *contest, enum history_op op)
{
	if (contest->lacks[op])
		return false;
	if (history_op_is_reset(op))
		return contest->resets;
	return op != HISTORY_READ_FULL_STATUS || contest->full_status;
}

static enum history_op draw_op(struct contender *c, const struct contest *contest, bool registered)
{
	uint32_t sum = 0, drawn;
	size_t i;

	for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
		if (takes_part(contest, weights[i].op))
			sum += registered ? weights[i].registered : weights[i].stranger;
	drawn = contender_below(&c->generator, sum);
	for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		uint32_t weight = registered ? weights[i].registered : weights[i].stranger;
		if (!takes_part(contest, weights[i].op))
			continue;
		if (drawn < weight)
			return weights[i].op;
		drawn -= weight;
	}
	assert(false);
	return HISTORY_TEST_UNIT_READY;
}

struct contender_move contender_next(struct contender *contender, const struct contest *contest)
{
	struct contender_move move = {.act = CONTENDER_COMMAND};
	struct history_command *command = &move.command;
	uint32_t fate = contender_below(&contender->generator, 1000);
	unsigned at;

	if (contest->departures && fate < LOGOUT_PER_MILLE + CUT_PER_MILLE) {
		move.act = fate < LOGOUT_PER_MILLE ? CONTENDER_LOGOUT : CONTENDER_CUT;
		return move;
	}
	at = contender_below(&contender->generator, contest->luns);
	command->lun = (uint16_t)(contest->first_lun + at);
	command->move_to = HISTORY_NO_NEXUS;
	command->op = draw_op(contender, contest, contest->keys[contender->index][at] != 0);
	/* An SPC-2 reservation locks everybody out for good: it is not kept for long. */
	if (contender->luns[at].spc2 && chance(contender, 50))
		command->op = HISTORY_SPC2_RELEASE;
	if (command->op == HISTORY_REGISTER || command->op == HISTORY_REGISTER_AND_IGNORE)
		fill_register(contender, contest, command);
	else if (history_op_is_pr_out(command->op))
		fill_pr_out(contender, contest, command);
	else if (command->op == HISTORY_READ || command->op == HISTORY_WRITE)
		fill_blocks(contender, contest, command);
	else if (command->op == HISTORY_CDB)
		fill_cdb(contender, contest, &move);
	if (command->op == HISTORY_WRITE && contest->departures && chance(contender, STALL_PERCENT))
		move.stall_ms = 1 + contender_below(&contender->generator, STALL_MS_MAX);
	return move;
}

/* ---- what it makes of the answers ---- */

static void learn_move(struct contender *c, struct contest *contest, unsigned at,
		       const struct history_command *command)
{
	for (uint32_t i = 0; i < contest->contenders; i++)
		if (contest->nexuses[i] == command->move_to)
			contest->keys[i][at] = command->action_key;
	if (command->unregister_source)
		contest->keys[c->index][at] = 0;
}

static void learn_good(struct contender *c, struct contest *contest,
		       const struct history_command *command, const struct history_result *result)
{
	const unsigned at = (unsigned)(command->lun - contest->first_lun);
	enum history_op op = command->op;

	if (op == HISTORY_REGISTER || op == HISTORY_REGISTER_AND_IGNORE)
		contest->keys[c->index][at] = command->action_key;
	else if (op == HISTORY_REGISTER_AND_MOVE)
		learn_move(c, contest, at, command);
	else if (op == HISTORY_CLEAR)
		contest->keys[c->index][at] = 0;
	else if (op == HISTORY_SPC2_RESERVE || op == HISTORY_SPC2_RELEASE)
		c->luns[at].spc2 = op == HISTORY_SPC2_RESERVE;
	if (op == HISTORY_READ_KEYS || op == HISTORY_READ_FULL_STATUS ||
	    op == HISTORY_READ_RESERVATION)
		c->luns[at].generation = result->generation;
	if (op == HISTORY_READ_RESERVATION) {
		c->luns[at].holder_key = result->holder_key;
		c->luns[at].holder_type = result->holder_type;
	}
}

void contender_learn(struct contender *contender, struct contest *contest,
		     const struct history_command *command, const struct history_result *result)
{
	uint64_t *key = &contest->keys[contender->index][command->lun - contest->first_lun];

	if (result->outcome == HISTORY_GOOD)
		learn_good(contender, contest, command, result);
	/* RESERVATIONS PREEMPTED and REGISTRATIONS PREEMPTED say that the registration is gone. */
	if (result->outcome == HISTORY_CHECK && result->sense_key == 6 && result->asc == 0x2a &&
	    (result->ascq == 3 || result->ascq == 5))
		*key = 0;
	/* A key that is refused may be gone as well. */
	if (result->outcome == HISTORY_CONFLICT && history_op_is_pr_out(command->op) &&
	    command->key == *key && chance(contender, 25))
		*key = 0;
}
