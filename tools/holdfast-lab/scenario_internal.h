/*
 * What the files of the scenario player know of each other.
 *
 * C gives Lua a few primitives; what a scenario is written with is made of them in prelude.lua.
 * Every block of a scenario, the main one too, is a coroutine (a strand): a primitive that has to
 * wait hands its command to the loop and yields, and when the end comes the strand goes on with it.
 */
#ifndef TOOLS_HOLDFAST_LAB_SCENARIO_INTERNAL_H
#define TOOLS_HOLDFAST_LAB_SCENARIO_INTERNAL_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "tools/holdfast-lab/scenario.h"

struct strand_group;

struct strand {
	struct player *player;
	lua_State *lua;
	int reference;		    /* keeps it alive */
	struct strand_group *group; /* NULL: the main one */
	bool ready;		    /* to be resumed, with `arguments` values on its stack */
	int arguments;
	uint64_t not_before_ns; /* ... and no earlier */
	bool at_step;		/* waits until the others of its group are there, too */
	bool over;
	struct strand *next;
};

/* The strands of one `parallel`, and the one that waits for them. */
struct strand_group {
	struct strand *waiting;
	unsigned running, at_step;
	struct strand_group *next;
};

/* One scenario being played. */
struct player {
	struct setup *setup;
	lua_State *lua;
	struct strand *strands;
	struct strand_group *groups;
	uint64_t pace_ns;
	size_t memory;	       /* bytes that Lua has */
	unsigned expectations; /* that were met */
	bool failed;
	uint64_t first_lba, end_lba; /* of the blocks that were written; none: equal */
};

struct player *scenario_player(lua_State *lua);
struct strand *scenario_strand(lua_State *lua);
/* One more strand; its function is to be pushed on its stack. NULL: no memory. */
struct strand *scenario_strand_start(struct player *player, lua_State *lua,
				     struct strand_group *group);
void scenario_strand_ended(struct strand *strand);
/* Lets the strand go on with the `arguments` topmost values of its stack. */
void scenario_wake(struct strand *strand, int arguments);

/* ... after a pause, if the scenario is paced: of so many beats. */
void scenario_wake_paced(struct strand *strand, int arguments, unsigned beats);
/* For the end of a primitive that has not yielded: yields for so many beats, if it may. */
int scenario_pause(lua_State *lua, unsigned beats);

/* Puts the primitives into the table on top of the stack. */
void scenario_open_initiators(lua_State *lua);
void scenario_open_strands(lua_State *lua);
void scenario_open_target(lua_State *lua);

/* Prelude.lua, with a NUL behind it. */
extern const char scenario_prelude[];

#endif
