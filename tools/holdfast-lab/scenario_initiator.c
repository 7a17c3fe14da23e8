/*
 * Primitives: initiators and their commands.
 */
#include <errno.h>
#include <string.h>

#include "tools/holdfast-lab/scenario_internal.h"
#include "tools/lab/cdb.h"

#define INITIATOR_TYPE "holdfast.initiator"
#define OTHERS_MAX     64

static struct initiator *check_initiator(lua_State *lua, int index)
{
	return *(struct initiator **)luaL_checkudata(lua, index, INITIATOR_TYPE);
}

/* ---- members of the table that a command is given as ---- */

static uint64_t field_number(lua_State *lua, const char *name, uint64_t low, uint64_t high)
{
	lua_Integer number = 0;
	int is_number = 1;

	if (lua_getfield(lua, 2, name) != LUA_TNIL)
		number = lua_tointegerx(lua, -1, &is_number);
	lua_pop(lua, 1);
	/* Keys use all 64 bits: as a Lua integer the upper half of them is negative. */
	if (!is_number || (uint64_t)number > high || (uint64_t)number < low)
		luaL_error(lua, "`%s` is not a number that fits", name);
	return (uint64_t)number;
}

static bool field_bool(lua_State *lua, const char *name)
{
	bool value;

	lua_getfield(lua, 2, name);
	value = lua_toboolean(lua, -1);
	lua_pop(lua, 1);
	return value;
}

/* Lives as long as the table does. NULL: it is not there. */
static const char *field_string(lua_State *lua, const char *name, size_t *ret_len)
{
	const char *text = NULL;

	*ret_len = 0;
	if (lua_getfield(lua, 2, name) == LUA_TSTRING)
		text = lua_tolstring(lua, -1, ret_len);
	lua_pop(lua, 1);
	return text;
}

static uint32_t field_nexus(lua_State *lua, const char *name)
{
	uint32_t nexus = HISTORY_NO_NEXUS;

	if (lua_getfield(lua, 2, name) != LUA_TNIL)
		nexus = initiator_nexus(check_initiator(lua, -1));
	lua_pop(lua, 1);
	return nexus;
}

static size_t field_nexuses(lua_State *lua, const char *name, uint32_t ret_nexuses[OTHERS_MAX])
{
	size_t count = 0;

	if (lua_getfield(lua, 2, name) == LUA_TTABLE) {
		for (; count < OTHERS_MAX; count++) {
			if (lua_rawgeti(lua, -1, (lua_Integer)count + 1) == LUA_TNIL) {
				lua_pop(lua, 1);
				break;
			}
			ret_nexuses[count] = initiator_nexus(check_initiator(lua, -1));
			lua_pop(lua, 1);
		}
	}
	lua_pop(lua, 1);
	return count;
}

static void fill_cdb(lua_State *lua, struct history_command *command, struct command_extra *extra)
{
	size_t cdb_len, access_len;
	const char *cdb = field_string(lua, "cdb", &cdb_len);
	const char *access = field_string(lua, "access", &access_len);

	if (cdb && cdb_len > 0 && cdb_len <= 16)
		memcpy(command->cdb, cdb, cdb_len);
	else
		luaL_error(lua, "`cdb` is not a string of 1 to 16 bytes");
	command->cdb_len = (uint8_t)cdb_len;
	command->access = access ? history_access_of(access) : cdb_access(command->cdb, cdb_len);
	if (command->access == HISTORY_ACCESS_INVALID)
		luaL_error(lua, "`access` is not allowed, read or write");
	extra->out = (const uint8_t *)field_string(lua, "out", &extra->out_len);
	extra->in_len = (size_t)field_number(lua, "in_len", 0, 1 << 20);
}

static void fill_command(lua_State *lua, struct history_command *command,
			 struct command_extra *extra, uint32_t others[OTHERS_MAX])
{
	size_t len;
	const char *op = field_string(lua, "op", &len);

	memset(command, 0, sizeof(*command));
	memset(extra, 0, sizeof(*extra));
	command->op = op ? history_op_of(op) : HISTORY_OP_INVALID;
	if (command->op == HISTORY_OP_INVALID)
		luaL_error(lua, "`%s` is no command", op ? op : "nil");
	command->lun = (uint16_t)field_number(lua, "lun", 0, UINT8_MAX);
	command->type = (uint8_t)field_number(lua, "type", 0, 15);
	command->scope = (uint8_t)field_number(lua, "scope", 0, 15);
	command->aptpl = field_bool(lua, "aptpl");
	command->all_tg_pt = field_bool(lua, "all_tg_pt");
	command->unregister_source = field_bool(lua, "unregister_source");
	command->key = field_number(lua, "key", 0, UINT64_MAX);
	command->action_key = field_number(lua, "action_key", 0, UINT64_MAX);
	command->move_to = field_nexus(lua, "move_to");
	command->lba = field_number(lua, "lba", 0, INT64_MAX);
	command->blocks = (uint32_t)field_number(lua, "blocks", 0, HISTORY_TAGS_MAX);
	command->sequence = field_number(lua, "sequence", 0, INT64_MAX);
	command->fua = field_bool(lua, "fua");
	command->generation_seen = (uint32_t)field_number(lua, "generation_seen", 0, UINT32_MAX);
	extra->other_count = field_nexuses(lua, "others", others);
	extra->others = others;
	command->spec_i_pt = extra->other_count > 0;
	command->others = command->spec_i_pt ? others : NULL;
	command->other_count = (uint32_t)extra->other_count;
	if (command->op == HISTORY_CDB)
		fill_cdb(lua, command, extra);
}

/* ---- results, as tables ---- */

static void set_integer(lua_State *lua, const char *name, uint64_t value)
{
	lua_pushinteger(lua, (lua_Integer)value);
	lua_setfield(lua, -2, name);
}

static void set_string(lua_State *lua, const char *name, const char *text)
{
	lua_pushstring(lua, text);
	lua_setfield(lua, -2, name);
}

static void set_nexus_label(lua_State *lua, const struct player *player, const char *name,
			    uint32_t nexus)
{
	uint32_t count;
	const struct history_nexus *nexuses = recorder_nexuses(player->setup->recorder, &count);

	if (nexus < count)
		set_string(lua, name, nexuses[nexus].label);
}

static void set_keys(lua_State *lua, const struct player *player, const struct history_result *r)
{
	uint32_t count = history_keys_listed(r);

	lua_createtable(lua, (int)count, 0);
	for (uint32_t i = 0; i < count; i++) {
		lua_createtable(lua, 0, 2);
		set_integer(lua, "key", r->keys[i]);
		if (r->key_nexuses)
			set_nexus_label(lua, player, "who", r->key_nexuses[i]);
		lua_rawseti(lua, -2, (lua_Integer)i + 1);
	}
	lua_setfield(lua, -2, "registrations");
}

static void set_tags(lua_State *lua, const struct player *player, const struct history_result *r)
{
	lua_createtable(lua, (int)r->tag_count, 0);
	for (uint32_t i = 0; i < r->tag_count; i++) {
		lua_createtable(lua, 0, 3);
		lua_pushboolean(lua, r->tags[i].torn);
		lua_setfield(lua, -2, "torn");
		if (r->tags[i].written) {
			set_nexus_label(lua, player, "who", r->tags[i].nexus);
			set_integer(lua, "sequence", r->tags[i].sequence);
		}
		lua_rawseti(lua, -2, (lua_Integer)i + 1);
	}
	lua_setfield(lua, -2, "tags");
}

static void set_good(lua_State *lua, const struct player *player, const struct command_end *end)
{
	const struct history_result *r = end->result;
	enum history_op op = end->command->op;

	if (history_op_is_pr_in(op) && op != HISTORY_REPORT_CAPABILITIES)
		set_integer(lua, "generation",
			    r->generation - recorder_generation_base(player->setup->recorder,
								     end->command->lun));
	if (op == HISTORY_READ_KEYS || op == HISTORY_READ_FULL_STATUS)
		set_keys(lua, player, r);
	if (op == HISTORY_READ_RESERVATION && r->holder_type != 0) {
		set_integer(lua, "holder_key", r->holder_key);
		set_integer(lua, "holder_type", r->holder_type);
	}
	if (op == HISTORY_REPORT_CAPABILITIES) {
		set_integer(lua, "type_mask",
			    (uint64_t)r->type_mask[0] << 8 | (uint64_t)r->type_mask[1]);
		lua_pushboolean(lua, r->ptpl_active);
		lua_setfield(lua, -2, "ptpl_active");
	}
	if (op == HISTORY_READ)
		set_tags(lua, player, r);
	if (end->data_len > 0) {
		lua_pushlstring(lua, (const char *)end->data, end->data_len);
		lua_setfield(lua, -2, "data");
	}
}

static void push_result(lua_State *lua, const struct player *player, const struct command_end *end)
{
	const struct history_result *r = end->result;
	char text[256], what[160], sense[16];

	lua_createtable(lua, 0, 8);
	set_string(lua, "outcome", history_outcome_name(r->outcome));
	set_string(lua, "who", initiator_label(end->initiator));
	set_string(lua, "what", history_command_text(end->command, what, sizeof(what)));
	set_string(lua, "text", history_result_text(end->command, r, text, sizeof(text)));
	if (r->outcome == HISTORY_CHECK) {
		snprintf(sense, sizeof(sense), "%x/%02x/%02x", (unsigned)r->sense_key,
			 (unsigned)r->asc, (unsigned)r->ascq);
		set_string(lua, "sense", sense);
	}
	if (r->outcome == HISTORY_GOOD)
		set_good(lua, player, end);
}

/* ---- primitives ---- */

static void on_end(void *context, const struct command_end *end)
{
	struct strand *strand = context;

	push_result(strand->lua, strand->player, end);
	scenario_wake_paced(strand, 1, 1);
}

static void note_blocks(struct player *player, const struct history_command *command)
{
	uint64_t end = command->lba + command->blocks;

	if (command->op != HISTORY_WRITE || command->blocks == 0)
		return;
	if (player->first_lba == player->end_lba) {
		player->first_lba = command->lba;
		player->end_lba = end;
	}
	player->first_lba = command->lba < player->first_lba ? command->lba : player->first_lba;
	player->end_lba = end > player->end_lba ? end : player->end_lba;
}

/* initiator:command{op = ..., ...}: waits, and returns the result. */
static int do_command(lua_State *lua)
{
	struct initiator *initiator = check_initiator(lua, 1);
	struct player *player = scenario_player(lua);
	struct history_command command;
	struct command_extra extra;
	uint32_t others[OTHERS_MAX];
	int error;

	luaL_checktype(lua, 2, LUA_TTABLE);
	fill_command(lua, &command, &extra, others);
	command.lun = (uint16_t)(command.lun + player->setup->first_lun);
	note_blocks(player, &command);
	error = initiator_send(initiator, &command, &extra, on_end, scenario_strand(lua));
	if (error == -ENOTCONN)
		return luaL_error(lua, "%s is not logged in", initiator_label(initiator));
	if (error != 0)
		return luaL_error(lua, "%s: %s", initiator_label(initiator), strerror(-error));
	return lua_yield(lua, 0);
}

static void on_session(void *context, struct initiator *initiator, bool up, const char *why)
{
	struct strand *strand = context;

	(void)initiator;
	lua_pushboolean(strand->lua, up);
	lua_pushstring(strand->lua, why);
	scenario_wake_paced(strand, 2, 1);
}

/* initiator:login(): is it logged in now, and, if not, why. */
static int do_login(lua_State *lua)
{
	struct initiator *initiator = check_initiator(lua, 1);

	if (!initiator_is_down(initiator))
		return luaL_error(lua, "%s is logged in already", initiator_label(initiator));
	initiator_login(initiator, on_session, scenario_strand(lua));
	return lua_yield(lua, 0);
}

static int do_logout(lua_State *lua)
{
	struct initiator *initiator = check_initiator(lua, 1);

	if (!initiator_is_up(initiator))
		return luaL_error(lua, "%s is not logged in", initiator_label(initiator));
	initiator_logout(initiator, on_session, scenario_strand(lua));
	return lua_yield(lua, 0);
}

static int do_cut(lua_State *lua)
{
	initiator_cut(check_initiator(lua, 1));
	return 0;
}

static int is_up(lua_State *lua)
{
	lua_pushboolean(lua, initiator_is_up(check_initiator(lua, 1)));
	return 1;
}

static bool parse_isid(const char *text, size_t len, uint8_t isid[6])
{
	unsigned byte[6];
	int end = 0;

	if (len != 12 ||
	    sscanf(text, "%2x%2x%2x%2x%2x%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
		   &byte[5], &end) != 6 ||
	    end != 12)
		return false;
	for (size_t i = 0; i < 6; i++)
		isid[i] = (uint8_t)byte[i];
	return true;
}

/* new_initiator(label, name, isid, portal) */
static int new_initiator(lua_State *lua)
{
	struct player *player = scenario_player(lua);
	size_t isid_len;
	const char *label = luaL_checkstring(lua, 1), *name = luaL_checkstring(lua, 2);
	const char *isid = luaL_checklstring(lua, 3, &isid_len);
	lua_Integer portal = luaL_checkinteger(lua, 4);
	struct initiator_identity identity = {
		.label = label, .name = name, .portal = (size_t)portal - 1};
	struct initiator **made;

	if (!parse_isid(isid, isid_len, identity.isid))
		return luaL_error(lua, "an ISID is a string of 12 hexadecimal digits");
	if (portal < 1 || (size_t)portal > player->setup->target.portal_count)
		return luaL_error(lua, "the target has %d portals",
				  (int)player->setup->target.portal_count);
	made = lua_newuserdatauv(lua, sizeof(struct initiator *), 0);
	*made = initiator_create(player->setup->loop, &identity);
	if (!*made)
		return luaL_error(lua, "%s cannot be made", label);
	luaL_setmetatable(lua, INITIATOR_TYPE);
	return 1;
}

void scenario_open_initiators(lua_State *lua)
{
	static const luaL_Reg methods[] = {{"command", do_command}, {"login", do_login},
					   {"logout", do_logout},   {"cut", do_cut},
					   {"is_up", is_up},	    {NULL, NULL}};

	luaL_newmetatable(lua, INITIATOR_TYPE);
	luaL_newlib(lua, methods);
	lua_setfield(lua, -2, "__index");
	lua_pop(lua, 1);
	lua_pushcfunction(lua, new_initiator);
	lua_setfield(lua, -2, "new_initiator");
}
