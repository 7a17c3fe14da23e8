/*
 * Primitives: blocks that run side by side, and notes.
 */
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "tools/holdfast-lab/scenario_internal.h"

#define NOTE_BEATS	 5	   /* to read it */
#define INSTRUCTIONS_MAX 100000000 /* of one strand: more of them wait for nothing */

struct player *scenario_player(lua_State *lua)
{
	return scenario_strand(lua)->player;
}

struct strand *scenario_strand(lua_State *lua)
{
	return *(struct strand **)lua_getextraspace(lua);
}

void scenario_wake(struct strand *strand, int arguments)
{
	strand->ready = true;
	strand->arguments = arguments;
}

void scenario_wake_paced(struct strand *strand, int arguments, unsigned beats)
{
	const struct player *player = strand->player;

	scenario_wake(strand, arguments);
	strand->not_before_ns = recorder_now_ns(player->setup->recorder) + beats * player->pace_ns;
}

int scenario_pause(lua_State *lua, unsigned beats)
{
	if (scenario_player(lua)->pace_ns == 0 || !lua_isyieldable(lua))
		return 0;
	scenario_wake_paced(scenario_strand(lua), 0, beats);
	return lua_yield(lua, 0);
}

static void on_too_many_instructions(lua_State *lua, lua_Debug *debug)
{
	(void)debug;
	luaL_error(lua, "it runs and runs, and waits for nothing");
}

struct strand *scenario_strand_start(struct player *player, lua_State *lua,
				     struct strand_group *group)
{
	struct strand *strand = calloc(1, sizeof(*strand));

	if (!strand)
		return NULL;
	strand->player = player;
	strand->group = group;
	strand->lua = lua_newthread(lua);
	strand->reference = luaL_ref(lua, LUA_REGISTRYINDEX);
	strand->ready = true;
	*(struct strand **)lua_getextraspace(strand->lua) = strand;
	lua_sethook(strand->lua, on_too_many_instructions, LUA_MASKCOUNT, INSTRUCTIONS_MAX);
	LL_APPEND(player->strands, strand);
	return strand;
}

/* Everybody who still runs has come to the step: on they go. */
static void check_step(struct player *player, struct strand_group *group)
{
	struct strand *strand;

	if (group->at_step < group->running || group->at_step == 0)
		return;
	LL_FOREACH(player->strands, strand)
	{
		if (strand->group != group || !strand->at_step)
			continue;
		strand->at_step = false;
		scenario_wake(strand, 0);
	}
	group->at_step = 0;
}

void scenario_strand_ended(struct strand *strand)
{
	struct strand_group *group = strand->group;

	strand->over = true;
	if (!group)
		return;
	group->running--;
	check_step(strand->player, group);
	if (group->running == 0)
		scenario_wake(group->waiting, 0);
}

/* parallel{f, g, ...}: runs them side by side and waits for all. */
static int do_parallel(lua_State *lua)
{
	struct player *player = scenario_player(lua);
	struct strand_group *group;
	lua_Integer count;

	luaL_checktype(lua, 1, LUA_TTABLE);
	count = luaL_len(lua, 1);
	if (count == 0)
		return 0;
	group = calloc(1, sizeof(*group));
	if (!group)
		return luaL_error(lua, "no memory");
	LL_PREPEND(player->groups, group);
	group->waiting = scenario_strand(lua);
	for (lua_Integer i = 1; i <= count; i++) {
		struct strand *strand = scenario_strand_start(player, lua, group);
		if (!strand)
			return luaL_error(lua, "no memory");
		group->running++;
		if (lua_rawgeti(lua, 1, i) != LUA_TFUNCTION)
			return luaL_error(lua, "block %d is no function", (int)i);
		lua_xmove(lua, strand->lua, 1);
	}
	return lua_yield(lua, 0);
}

/* step(): waits until every block of this `parallel` has come to a step, or to its end. */
static int do_step(lua_State *lua)
{
	struct strand *strand = scenario_strand(lua);

	if (!strand->group)
		return luaL_error(lua, "step() is for the blocks of parallel{}");
	strand->at_step = true;
	strand->group->at_step++;
	check_step(strand->player, strand->group);
	return lua_yield(lua, 0);
}

static int do_note(lua_State *lua)
{
	recorder_note(scenario_player(lua)->setup->recorder, luaL_checkstring(lua, 1));
	return scenario_pause(lua, NOTE_BEATS);
}

static int do_met(lua_State *lua)
{
	scenario_player(lua)->expectations++;
	return 0;
}

void scenario_open_strands(lua_State *lua)
{
	static const luaL_Reg functions[] = {{"parallel", do_parallel},
					     {"step", do_step},
					     {"note", do_note},
					     {"met", do_met},
					     {NULL, NULL}};

	luaL_setfuncs(lua, functions, 0);
}
