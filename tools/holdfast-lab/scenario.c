#include "tools/holdfast-lab/scenario.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "tools/holdfast-lab/scenario_internal.h"

#define TURN_MS	       20
#define LINE_MAX_BYTES 512
#define SCAN_MAX       4096		   /* blocks */
#define MEMORY_MAX     ((size_t)256 << 20) /* bytes of one scenario */

/* ---- the head ---- */

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || isspace((unsigned char)at[-1])) &&
		    (at[len] == '\0' || isspace((unsigned char)at[len])))
			return true;
	return false;
}

static unsigned number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? (unsigned)strtoul(at + strlen(name), NULL, 10) : 0;
}

static void take_line(struct scenario_head *head, const char *text)
{
	static const char profiles[] = "profiles:", target[] = "target:", needs[] = "needs:",
			  judge[] = "judge:";

	if (strncmp(text, profiles, strlen(profiles)) == 0) {
		head->spc4 = has_word(text, "spc4");
		head->dlt_s4 = has_word(text, "dlt-s4");
	} else if (strncmp(text, target, strlen(target)) == 0) {
		head->luns = number_after(text, "luns=");
		head->ports = number_after(text, "ports=");
		head->registrations_max = number_after(text, "registrations=");
		head->tas = has_word(text, "tas");
		head->power_cuts = has_word(text, "power-cuts");
	} else if (strncmp(text, needs, strlen(needs)) == 0) {
		head->needs_own = has_word(text, "own");
	} else if (strncmp(text, judge, strlen(judge)) == 0) {
		head->not_judged = has_word(text, "no");
	} else if (head->title[0] == '\0') {
		snprintf(head->title, sizeof(head->title), "%s", text);
	}
}

bool scenario_read_head(const char *path, struct scenario_head *ret_head)
{
	FILE *in = fopen(path, "r");
	struct scenario_head head = {.spc4 = true, .dlt_s4 = true};
	char line[LINE_MAX_BYTES];

	if (!in) {
		fprintf(stderr, "holdfast-lab: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), in) && strncmp(line, "--", 2) == 0) {
		char *text = line + 2;
		text[strcspn(text, "\n")] = '\0';
		take_line(&head, text + strspn(text, " -"));
	}
	fclose(in);
	*ret_head = head;
	return true;
}

/* ---- what a scenario can reach ---- */

static void forget_globals(lua_State *lua)
{
	static const char *const names[] = {"dofile", "loadfile", "load", "collectgarbage",
					    "require"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lua_pushnil(lua);
		lua_setglobal(lua, names[i]);
	}
}

static bool open_libraries(struct player *player, struct strand *main_strand)
{
	static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
					     {LUA_TABLIBNAME, luaopen_table},
					     {LUA_STRLIBNAME, luaopen_string},
					     {LUA_MATHLIBNAME, luaopen_math},
					     {LUA_UTF8LIBNAME, luaopen_utf8}};
	lua_State *lua = player->lua;

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
		lua_pop(lua, 1);
	}
	forget_globals(lua);
	*(struct strand **)lua_getextraspace(lua) = main_strand;
	if (luaL_loadbufferx(lua, scenario_prelude, strlen(scenario_prelude), "=prelude", "t") !=
	    LUA_OK)
		return false;
	lua_newtable(lua);
	scenario_open_initiators(lua);
	scenario_open_strands(lua);
	scenario_open_target(lua);
	return lua_pcall(lua, 1, 0, 0) == LUA_OK;
}

/* A scenario that eats memory ends before the machine does. */
static void *allocate(void *context, void *block, size_t old_size, size_t new_size)
{
	struct player *player = context;
	size_t had = block ? old_size : 0;
	void *grown;

	if (new_size == 0) {
		free(block);
		player->memory -= had;
		return NULL;
	}
	if (new_size > had && player->memory - had > MEMORY_MAX - new_size)
		return NULL;
	grown = realloc(block, new_size);
	if (grown)
		player->memory += new_size - had;
	return grown;
}

/* ---- playing ---- */

/* The line of the scenario that is to blame; "": none. What failed has left its stack as it was. */
static void locate(lua_State *lua, char *buffer, size_t len)
{
	lua_Debug debug;

	buffer[0] = '\0';
	for (int level = 0; lua_getstack(lua, level, &debug); level++) {
		lua_getinfo(lua, "Sl", &debug);
		if (debug.currentline <= 0 || debug.source[0] != '@')
			continue;
		snprintf(buffer, len, "%s:%d: ", debug.source + 1, debug.currentline);
		return;
	}
}

/* Lua puts a place before some messages: that of the prelude, or, cut short, of the scenario. */
static const char *without_place(const char *message)
{
	const char *at = strstr(message, ".lua:");

	if (strncmp(message, "prelude:", strlen("prelude:")) != 0 && !at)
		return message;
	at = strstr(message, ": ");
	return at ? at + 2 : message;
}

static void fail(struct player *player, lua_State *lua)
{
	const char *message = lua_tostring(lua, -1);
	char place[512], text[HISTORY_TEXT_MAX + 1];
	const struct strand *strand = scenario_strand(lua);

	player->failed = true;
	locate(lua, place, sizeof(place));
	/* A block of the prelude's own making (`up`): who waits for it is to blame. */
	for (; place[0] == '\0' && strand->group; strand = strand->group->waiting)
		locate(strand->group->waiting->lua, place, sizeof(place));
	if (!message)
		message = "an error without a message";
	else if (place[0] != '\0')
		message = without_place(message);
	snprintf(text, sizeof(text), "%s", message);
	setup_show_end(player->setup);
	printf("FAILED   %s%s\n\n  the last events:\n", place, message);
	recorder_print_last(player->setup->recorder, stdout);
	recorder_note(player->setup->recorder, text);
}

/* Is any of them only waiting for its pause to be over? */
static bool is_paused(const struct player *player)
{
	const struct strand *strand;

	LL_FOREACH(player->strands, strand)
	if (strand->ready && !strand->over)
		return true;
	return false;
}

static bool resume_ready(struct player *player)
{
	struct strand *strand;
	uint64_t now_ns = recorder_now_ns(player->setup->recorder);
	bool any = false;

	LL_FOREACH(player->strands, strand)
	{
		int results, status, arguments = strand->arguments;
		if (!strand->ready || strand->over || player->failed ||
		    strand->not_before_ns > now_ns)
			continue;
		any = true;
		strand->ready = false;
		strand->arguments = 0;
		status = lua_resume(strand->lua, player->lua, arguments, &results);
		if (status == LUA_OK)
			scenario_strand_ended(strand);
		else if (status != LUA_YIELD)
			fail(player, strand->lua);
		else
			lua_pop(strand->lua, results);
	}
	return any;
}

static void play(struct player *player, const struct strand *main_strand)
{
	while (!main_strand->over && !player->failed) {
		setup_show(player->setup);
		if (setup_interrupted(player->setup)) {
			lua_pushliteral(player->lua, "interrupted");
			fail(player, player->lua);
		} else if (resume_ready(player)) {
			continue;
		} else if (loop_busy(player->setup->loop) || is_paused(player)) {
			loop_turn(player->setup->loop, TURN_MS);
		} else {
			lua_pushliteral(player->lua, "every block waits for another one");
			fail(player, player->lua);
		}
	}
}

static bool look_at_medium(struct player *player)
{
	uint64_t blocks = player->end_lba - player->first_lba;

	if (!player->setup->own || blocks == 0 || blocks > SCAN_MAX)
		return true;
	loop_cut_all(player->setup->loop);
	return setup_scan(player->setup, player->first_lba, (uint32_t)blocks);
}

static void free_player(struct player *player)
{
	struct strand *strand, *next_strand;
	struct strand_group *group, *next_group;

	LL_FOREACH_SAFE(player->strands, strand, next_strand)
	free(strand);
	LL_FOREACH_SAFE(player->groups, group, next_group)
	free(group);
	lua_close(player->lua);
}

bool scenario_play(struct setup *setup, const char *path, unsigned pace_ms)
{
	struct player player = {.setup = setup, .pace_ns = (uint64_t)pace_ms * 1000000};
	struct strand *main_strand = NULL;

	player.lua = lua_newstate(allocate, &player);
	if (player.lua)
		main_strand = scenario_strand_start(&player, player.lua, NULL);
	if (!main_strand) {
		fputs("holdfast-lab: no memory\n", stderr);
		if (player.lua)
			lua_close(player.lua);
		return false;
	}
	if (!open_libraries(&player, main_strand) ||
	    luaL_loadfilex(player.lua, path, "t") != LUA_OK) {
		fail(&player, player.lua);
	} else {
		lua_xmove(player.lua, main_strand->lua, 1);
		play(&player, main_strand);
	}
	setup_show_end(setup);
	player.failed = !look_at_medium(&player) || player.failed;
	if (!player.failed && player.expectations == 0) {
		printf("FAILED   %s expects nothing\n", path);
		player.failed = true;
	}
	if (!player.failed)
		fprintf(setup->json ? stderr : stdout, "played   %s: %u expectations met\n", path,
			player.expectations);
	/* Ends of commands are told to strands: the loop goes first. */
	loop_free(&setup->loop);
	free_player(&player);
	return !player.failed;
}
