#include "tools/holdfast-lab/stress.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/lab/contender.h"

#define TURN_MS	       20
#define FAREWELL_TURNS 25
#define NS_PER_S       1000000000u
#define FIRST_LBA      64
#define LOGIN_TRIES    20
#define BLOCK_SIZE_MAX 4096
/* Where power cuts decide which writes have to be there, there are more of those. */
#define FUA_PERCENT	   4
#define POWER_FUA_PERCENT  25
#define POWER_SYNC_PERCENT 50
#define NAME_FORMAT	   "iqn.2026-11.io.holdfast:contender-%" PRIu32

struct stress;

struct player {
	struct stress *stress;
	struct contender contender;
	struct initiator *initiator;
	unsigned tries; /* logins that failed in a row */
	bool leave;	/* an answer is missing: a new session is in order */
};

/* A way for the target to die, and when it does. */
struct death {
	unsigned every_s, times; /* one of them, or none */
	unsigned died;
	uint64_t next_at; /* commands, or nanoseconds */
};

struct stress {
	struct setup *setup;
	const struct stress_options *options;
	struct contest contest;
	struct player *players;
	struct death kill, power_cut;
	bool target_dead;
	bool over; /* no more commands */
	bool failed;
};

static void make_moves(struct player *player);
static void come_up(struct player *player);

/* ---- when it is over, and when the target dies ---- */

bool stress_cuts_power(const struct stress_options *options)
{
	return options->power_cuts > 0 || options->power_cut_every > 0;
}

static uint64_t now_ns(const struct stress *stress)
{
	return recorder_now_ns(stress->setup->recorder);
}

static bool is_over(const struct stress *stress)
{
	const struct stress_options *o = stress->options;

	return stress->failed ||
	       (o->commands > 0 && recorder_commands(stress->setup->recorder) >= o->commands) ||
	       (o->seconds > 0 && now_ns(stress) >= (uint64_t)o->seconds * NS_PER_S);
}

/* By number: spread over the commands, each in the middle of its share, or at its end. */
static void plan_death(const struct stress *stress, struct death *death, bool in_the_middle)
{
	uint64_t shares = in_the_middle ? 2 * (uint64_t)death->times : (uint64_t)death->times + 1;
	uint64_t at = in_the_middle ? 2 * (uint64_t)death->died + 1 : (uint64_t)death->died + 1;

	if (death->every_s > 0)
		death->next_at = now_ns(stress) + (uint64_t)death->every_s * NS_PER_S;
	else if (death->died < death->times)
		death->next_at = stress->options->commands * at / shares;
}

static void plan_deaths(struct stress *stress)
{
	plan_death(stress, &stress->kill, false);
	plan_death(stress, &stress->power_cut, true);
}

static bool is_due(const struct stress *stress, const struct death *death)
{
	if (death->every_s > 0)
		return now_ns(stress) >= death->next_at;
	return death->died < death->times &&
	       recorder_commands(stress->setup->recorder) >= death->next_at;
}

static void end_target(struct stress *stress, struct death *death)
{
	struct setup *setup = stress->setup;
	bool power_cut = death == &stress->power_cut;
	bool came_back = true;

	stress->target_dead = true;
	if (power_cut)
		came_back = setup_cut_power(setup, 0, 0);
	else
		setup_kill(setup, 0);
	if (!came_back || !setup_start(setup)) {
		stress->failed = true;
		return;
	}
	stress->target_dead = false;
	death->died++;
	plan_death(stress, death, power_cut);
	for (uint32_t i = 0; i < stress->contest.contenders; i++)
		come_up(&stress->players[i]);
}

static void end_target_if_due(struct stress *stress)
{
	if (is_due(stress, &stress->power_cut))
		end_target(stress, &stress->power_cut);
	else if (is_due(stress, &stress->kill))
		end_target(stress, &stress->kill);
}

/* ---- sessions ---- */

static void on_session(void *context, struct initiator *initiator, bool up, const char *why)
{
	struct player *player = context;
	struct stress *stress = player->stress;

	if (up) {
		player->tries = 0;
		player->leave = false;
		make_moves(player);
		return;
	}
	if (stress->target_dead || stress->over)
		return;
	if (why[0] != '\0' && ++player->tries >= LOGIN_TRIES) {
		fprintf(stderr, "holdfast-lab: %s cannot log in: %s\n", initiator_label(initiator),
			why);
		stress->failed = true;
		return;
	}
	come_up(player);
}

static void come_up(struct player *player)
{
	struct stress *stress = player->stress;

	if (initiator_is_down(player->initiator) && !stress->target_dead && !stress->over)
		initiator_login(player->initiator, on_session, player);
}

static void cut(struct player *player)
{
	initiator_cut(player->initiator);
	come_up(player);
}

/* ---- moves ---- */

static void on_end(void *context, const struct command_end *end)
{
	struct player *player = context;

	contender_learn(&player->contender, &player->stress->contest, end->command, end->result);
	/* What real initiators do when a command is not answered: they escalate. */
	if (end->result->outcome == HISTORY_UNKNOWN && initiator_is_up(end->initiator))
		player->leave = true;
	if (player->leave && initiator_commands(player->initiator) == 0 &&
	    initiator_is_up(player->initiator))
		cut(player);
	else
		make_moves(player);
}

static bool make_one(struct player *player)
{
	static const uint8_t zeros[CONTENDER_OUT_BLOCKS_MAX * BLOCK_SIZE_MAX];

	struct stress *stress = player->stress;
	struct contender_move move = contender_next(&player->contender, &stress->contest);
	struct command_extra extra = {.out = move.out_len <= sizeof(move.out) ? move.out : zeros,
				      .out_len = move.out_len,
				      .in_len = move.in_len};
	bool sent;

	switch (move.act) {
	case CONTENDER_LOGOUT:
		/* In order means: with nothing under way. */
		if (initiator_commands(player->initiator) == 0)
			initiator_logout(player->initiator, on_session, player);
		return initiator_commands(player->initiator) > 0;
	case CONTENDER_CUT:
		cut(player);
		return false;
	case CONTENDER_COMMAND:
		break;
	}
	sent = initiator_send(player->initiator, &move.command, &extra, on_end, player) == 0;
	if (sent && move.stall_ms > 0)
		initiator_stall(player->initiator, move.stall_ms);
	return sent;
}

static void make_moves(struct player *player)
{
	struct stress *stress = player->stress;

	stress->over = stress->over || is_over(stress);
	while (!stress->over && !stress->target_dead && !player->leave &&
	       initiator_is_up(player->initiator) &&
	       initiator_commands(player->initiator) < stress->options->depth) {
		if (!make_one(player))
			return;
		stress->over = is_over(stress);
	}
}

/* ---- the field ---- */

/* Every fourth pair is one initiator port on two target ports: two nexuses of one node. */
static uint32_t port_of(const struct stress *stress, uint32_t index)
{
	bool second = stress->setup->target.portal_count > 1 && index % 8 == 1;
	return second ? index - 1 : index;
}

static bool add_player(struct stress *stress, uint32_t index)
{
	struct player *player = &stress->players[index];
	uint32_t port = port_of(stress, index);
	char name[64], label[32];
	struct initiator_identity identity = {
		.name = name,
		.label = label,
		.isid = {0x80, 0, 0, 0, (uint8_t)(port >> 8), (uint8_t)port},
		.portal = index % stress->setup->target.portal_count,
		.solicited = index % 2 == 1,
	};

	snprintf(name, sizeof(name), NAME_FORMAT, port);
	snprintf(label, sizeof(label), "c%" PRIu32, index);
	player->stress = stress;
	contender_init(&player->contender, index, stress->options->seed);
	player->initiator = initiator_create(stress->setup->loop, &identity);
	if (!player->initiator)
		return false;
	initiator_set_lost(player->initiator, on_session, player);
	stress->contest.nexuses[index] = initiator_nexus(player->initiator);
	return stress->contest.nexuses[index] != HISTORY_NO_NEXUS;
}

static bool prepare(struct stress *stress)
{
	const struct setup *setup = stress->setup;
	const struct stress_options *o = stress->options;
	struct contest *contest = &stress->contest;
	bool spc4 = strcmp(setup->head.profile, "dlt-s4") != 0;

	*contest = (struct contest){.contenders = o->initiators,
				    .first_lun = setup->first_lun,
				    .luns = setup->luns,
				    .lba = FIRST_LBA,
				    .blocks = o->blocks,
				    .scratch_lba = FIRST_LBA + o->blocks,
				    .all_tg_pt = spc4 && o->all_tg_pt,
				    .full_status = spc4,
				    .aptpl = setup->head.aptpl_claimed,
				    .block_size = setup->target.block_size,
				    .resets = o->resets,
				    .departures = o->departures};
	/* Whether other targets take FUA is not known. */
	if (setup->own)
		contest->fua_percent = stress_cuts_power(o) ? POWER_FUA_PERCENT : FUA_PERCENT;
	contest->sync_percent = stress_cuts_power(o) ? POWER_SYNC_PERCENT : 0;
	memcpy(contest->type_mask, setup->head.type_mask, sizeof(contest->type_mask));
	memcpy(contest->lacks, setup->lacks, sizeof(contest->lacks));
	contest->nexuses = calloc(o->initiators, sizeof(*contest->nexuses));
	contest->keys = calloc(o->initiators, sizeof(*contest->keys));
	stress->players = calloc(o->initiators, sizeof(*stress->players));
	if (!contest->nexuses || !contest->keys || !stress->players)
		return false;
	for (uint32_t i = 0; i < o->initiators; i++)
		if (!add_player(stress, i))
			return false;
	return true;
}

static void fight(struct stress *stress)
{
	plan_deaths(stress);
	for (uint32_t i = 0; i < stress->contest.contenders; i++)
		come_up(&stress->players[i]);
	while (!stress->over) {
		loop_turn(stress->setup->loop, TURN_MS);
		setup_show(stress->setup);
		setup_quote(stress->setup);
		stress->over = stress->over || is_over(stress) || setup_interrupted(stress->setup);
		if (!stress->over && !stress->failed)
			end_target_if_due(stress);
	}
}

static void go_home(struct stress *stress)
{
	struct loop *loop = stress->setup->loop;

	/* Commands that were aborted in silence are not waited for. */
	for (int i = 0; i < FAREWELL_TURNS && loop_busy(loop); i++)
		loop_turn(loop, TURN_MS);
	for (uint32_t i = 0; i < stress->contest.contenders; i++) {
		struct initiator *initiator = stress->players[i].initiator;
		if (initiator_is_up(initiator) && initiator_commands(initiator) == 0)
			initiator_logout(initiator, NULL, NULL);
		else if (!initiator_is_down(initiator))
			initiator_cut(initiator);
	}
	while (loop_busy(loop))
		loop_turn(loop, TURN_MS);
}

bool stress_play(struct setup *setup, const struct stress_options *options)
{
	struct stress stress = {
		.setup = setup,
		.options = options,
		.kill = {.every_s = options->kill_every, .times = options->kills},
		.power_cut = {.every_s = options->power_cut_every, .times = options->power_cuts},
	};

	assert(options->initiators > 0 && options->blocks > 0 && options->depth > 0);
	if (prepare(&stress)) {
		fight(&stress);
		go_home(&stress);
	} else {
		fputs("holdfast-lab: no memory, or too many initiators\n", stderr);
		stress.failed = true;
	}
	if (!stress.failed)
		stress.failed = !stress_inspect(setup, FIRST_LBA, options->blocks);
	setup_show_end(setup);
	/* The loop tells nobody any more: its initiators outlive the players. */
	loop_free(&setup->loop);
	free(stress.contest.nexuses);
	free(stress.contest.keys);
	free(stress.players);
	return !stress.failed;
}
