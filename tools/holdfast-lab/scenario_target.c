/*
 * Primitives: the target of the lab's own, its death and return, and what its control socket is
 * asked.
 */
#include <string.h>

#include "tools/holdfast-lab/control.h"
#include "tools/holdfast-lab/scenario_internal.h"

#define TARGET_BEATS	  3
#define KILL_AFTER_US_MAX 10000000

static struct setup *check_own(lua_State *lua)
{
	struct setup *setup = scenario_player(lua)->setup;

	if (!setup->own)
		luaL_error(lua, "this target is not the lab's own (--own)");
	return setup;
}

static unsigned check_death(lua_State *lua, const struct setup *setup)
{
	lua_Integer after_us = luaL_optinteger(lua, 1, 0);

	luaL_argcheck(lua, after_us >= 0 && after_us <= KILL_AFTER_US_MAX, 1,
		      "microseconds, at most ten seconds");
	if (!own_runs(setup->own))
		luaL_error(lua, "the target is dead already");
	return (unsigned)after_us;
}

/* kill(after_us) */
static int do_kill(lua_State *lua)
{
	struct setup *setup = check_own(lua);

	setup_kill(setup, check_death(lua, setup));
	return scenario_pause(lua, TARGET_BEATS);
}

/* power_cut(after_us, seed): each seed, which is a new one unless given, loses something else. */
static int do_power_cut(lua_State *lua)
{
	struct setup *setup = check_own(lua);
	unsigned after_us = check_death(lua, setup);
	uint64_t seed = (uint64_t)luaL_optinteger(lua, 2, 0);

	if (!own_power_can_be_cut(setup->own))
		return luaL_error(lua, "the scenario's head has no `target: power-cuts`");
	if (!setup_cut_power(setup, after_us, seed))
		return luaL_error(lua, "the power of the target cannot be cut");
	return scenario_pause(lua, TARGET_BEATS);
}

static int do_start(lua_State *lua)
{
	struct setup *setup = check_own(lua);

	if (own_runs(setup->own))
		return luaL_error(lua, "the target runs already");
	if (!setup_start(setup))
		return luaL_error(lua, "the target does not start");
	return scenario_pause(lua, TARGET_BEATS);
}

/* ---- requests ---- */

static json_t *to_json(lua_State *lua, int index)
{
	size_t len;
	const char *text;

	if (lua_isinteger(lua, index))
		return json_integer(lua_tointeger(lua, index));
	text = luaL_checklstring(lua, index, &len);
	return json_stringn(text, len);
}

static void push_json(lua_State *lua, const json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	luaL_checkstack(lua, 4, "an answer of the target");
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		lua_newtable(lua);
		json_object_foreach((json_t *)value, name, member)
		{
			push_json(lua, member);
			lua_setfield(lua, -2, name);
		}
		break;
	case JSON_ARRAY:
		lua_newtable(lua);
		json_array_foreach(value, i, member)
		{
			push_json(lua, member);
			lua_rawseti(lua, -2, (lua_Integer)i + 1);
		}
		break;
	case JSON_STRING:
		lua_pushstring(lua, json_string_value(value));
		break;
	case JSON_INTEGER:
		lua_pushinteger(lua, json_integer_value(value));
		break;
	case JSON_REAL:
		lua_pushnumber(lua, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		lua_pushboolean(lua, json_is_true(value));
		break;
	case JSON_NULL:
		lua_pushnil(lua);
		break;
	}
}

/* control{command = ..., ...}: the answer, as a table. */
static int do_control(lua_State *lua)
{
	const struct setup *setup = check_own(lua);
	json_t *request, *reply;
	char path[128], why[256];

	luaL_checktype(lua, 1, LUA_TTABLE);
	if (!own_runs(setup->own))
		return luaL_error(lua, "the target is dead");
	request = json_object();
	lua_pushnil(lua);
	while (lua_next(lua, 1) != 0) {
		json_object_set_new(request, luaL_checkstring(lua, -2), to_json(lua, -1));
		lua_pop(lua, 1);
	}
	reply = control_ask(own_control_path(setup->own, path, sizeof(path)), request, why,
			    sizeof(why));
	json_decref(request);
	if (!reply)
		return luaL_error(lua, "the target: %s", why);
	push_json(lua, reply);
	json_decref(reply);
	return 1;
}

void scenario_open_target(lua_State *lua)
{
	static const luaL_Reg functions[] = {{"kill", do_kill},
					     {"power_cut", do_power_cut},
					     {"start", do_start},
					     {"control", do_control},
					     {NULL, NULL}};
	const struct setup *setup = scenario_player(lua)->setup;

	luaL_newlib(lua, functions);
	lua_pushstring(lua, setup->head.profile);
	lua_setfield(lua, -2, "profile");
	lua_pushboolean(lua, setup->own != NULL);
	lua_setfield(lua, -2, "own");
	lua_pushinteger(lua, (lua_Integer)setup->target.portal_count);
	lua_setfield(lua, -2, "portals");
	lua_pushinteger(lua, (lua_Integer)setup->target.block_size);
	lua_setfield(lua, -2, "block_size");
	lua_setfield(lua, -2, "target");
}
