/*
 * Histories of a few nexuses, whose commands and answers are any: lines that the reader takes, so
 * that the judge, its reasons and the report see what no target ever did. The first byte says how
 * many nexuses there are and of what kind the target is; each step takes a byte for what happens,
 * and some for its numbers, which are small but for the last few values of a byte.
 */
#include <inttypes.h>
#include <limits.h>

#include "tests/fuzz/fuzz_lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NEXUSES_MAX 4
#define UNDER_WAY   16 /* commands that a return can be for */

struct program {
	const uint8_t *at, *end;
	FILE *out;
	uint64_t now, command;
	unsigned nexuses;
	struct {
		uint64_t command;
		unsigned nexus;
	} under_way[UNDER_WAY];
	unsigned under_way_count;
};

enum step {
	STEP_INVOKE,
	STEP_INVOKE_PR_OUT,
	STEP_INVOKE_BLOCKS,
	STEP_RETURN_GOOD,
	STEP_RETURN_CONFLICT,
	STEP_RETURN_CHECK,
	STEP_RETURN_KEYS,
	STEP_RETURN_HOLDER,
	STEP_RETURN_TAGS,
	STEP_RETURN,
	STEP_DECIDED,
	STEP_APPLIED,
	STEP_LOGIN,
	STEP_LOGOUT,
	STEP_LOST,
	STEP_CRASH,
	STEP_POWER_CUT,
	STEP_UP,
	STEP_MEDIUM,
	STEP_COUNT,
};

static unsigned take(struct program *p)
{
	return p->at < p->end ? *p->at++ : 0;
}

/* Small, or at the edge of what the format admits. */
static uint64_t number(struct program *p, uint64_t small, uint64_t max)
{
	unsigned byte = take(p);

	return byte < 0xf8 ? byte % small : max - (0xff - byte);
}

static void begin(struct program *p, const char *kind, unsigned nexus)
{
	fprintf(p->out, "{\"at_ns\":%" PRIu64 ",\"kind\":\"%s\"", p->now++, kind);
	if (nexus != UINT_MAX)
		fprintf(p->out, ",\"nexus\":%u", nexus);
}

static void end(struct program *p)
{
	fputs("}\n", p->out);
}

static void number_member(struct program *p, const char *name, uint64_t value)
{
	fprintf(p->out, ",\"%s\":%" PRIu64, name, value);
}

static void key_member(struct program *p, const char *name)
{
	uint64_t key = number(p, 6, UINT64_MAX);

	fprintf(p->out, ",\"%s\":\"0x%" PRIx64 "\"", name, key);
}

static void flags(struct program *p)
{
	static const char *const names[] = {"aptpl", "all_tg_pt", "spec_i_pt", "unregister_source",
					    "fua"};
	unsigned set = take(p);

	for (unsigned i = 0; i < 5; i++)
		if (set >> i & 1)
			fprintf(p->out, ",\"%s\":true", names[i]);
	if (set >> 5 & 1)
		number_member(p, "move_to", number(p, p->nexuses, HISTORY_NEXUSES_MAX - 1));
	if (set >> 6 & 1)
		number_member(p, "lun", number(p, 2, UINT16_MAX));
	if (set >> 7 & 1)
		fprintf(p->out, ",\"others\":[%" PRIu64 ",0]",
			number(p, p->nexuses, HISTORY_NEXUSES_MAX - 1));
}

static void pr_out_members(struct program *p, enum history_op op)
{
	fprintf(p->out, ",\"op\":\"%s\"", history_op_name(op));
	key_member(p, "key");
	key_member(p, "action_key");
	number_member(p, "type", number(p, 9, UINT8_MAX));
	flags(p);
}

static void block_members(struct program *p)
{
	number_member(p, "lba", number(p, 4, INT64_MAX));
	number_member(p, "blocks", number(p, 4, UINT32_MAX));
	number_member(p, "sequence", number(p, 8, INT64_MAX));
}

static void invoke(struct program *p, enum history_op first, enum history_op last)
{
	unsigned nexus = take(p) % p->nexuses;
	enum history_op op = (enum history_op)(first + take(p) % (last - first + 1));

	begin(p, "invoke", nexus);
	number_member(p, "command", ++p->command);
	pr_out_members(p, op);
	if (first == HISTORY_READ || op == HISTORY_CDB || op == HISTORY_WRITE)
		block_members(p);
	if (op == HISTORY_CDB)
		fprintf(p->out, ",\"cdb\":\"42000000\",\"access\":\"%s\"",
			history_access_name((enum history_access)(1 + take(p) % 3)));
	end(p);
	if (p->under_way_count == UNDER_WAY)
		p->under_way_count--;
	memmove(&p->under_way[1], &p->under_way[0], p->under_way_count++ * sizeof(p->under_way[0]));
	p->under_way[0].command = p->command;
	p->under_way[0].nexus = nexus;
}

/* Begins a line about a command that is under way, mostly the last one. False: there is none. */
static bool answer(struct program *p, const char *kind, const char *outcome, bool is_last)
{
	if (p->under_way_count == 0)
		return false;
	unsigned i = take(p) % 8;
	i = i < p->under_way_count ? i : 0;
	begin(p, kind, p->under_way[i].nexus);
	number_member(p, "command", p->under_way[i].command);
	fprintf(p->out, ",\"outcome\":\"%s\"", outcome);
	if (is_last) {
		p->under_way_count--;
		memmove(&p->under_way[i], &p->under_way[i + 1],
			(p->under_way_count - i) * sizeof(p->under_way[0]));
	}
	return true;
}

static void check_members(struct program *p)
{
	static const uint8_t senses[][3] = {{6, 0x29, 0}, {6, 0x29, 1}, {6, 0x29, 7}, {6, 0x2a, 3},
					    {6, 0x2a, 4}, {6, 0x2a, 5}, {6, 0x2f, 0}, {5, 0x26, 0},
					    {5, 0x26, 4}, {5, 0x24, 0}, {5, 0x55, 4}, {2, 4, 1}};
	const uint8_t *sense = senses[take(p) % 12];

	number_member(p, "sense_key", sense[0]);
	number_member(p, "asc", sense[1]);
	number_member(p, "ascq", sense[2]);
}

static void keys_members(struct program *p)
{
	unsigned what = take(p), keys = what & 3, nexuses = what >> 2 & 3;

	number_member(p, "generation", number(p, 12, UINT32_MAX));
	if (what & 0x10)
		number_member(p, "key_count", number(p, 5, UINT32_MAX));
	fputs(",\"keys\":[", p->out);
	for (unsigned i = 0; i < keys; i++)
		fprintf(p->out, "%s\"0x%" PRIx64 "\"", i ? "," : "", number(p, 6, UINT64_MAX));
	fputs("]", p->out);
	if (!(what & 0x20))
		return;
	fputs(",\"key_nexuses\":[", p->out);
	for (unsigned i = 0; i < nexuses; i++)
		fprintf(p->out, "%s%" PRIu64, i ? "," : "",
			number(p, p->nexuses, HISTORY_NEXUSES_MAX - 1));
	fputs("]", p->out);
}

static void tag(struct program *p)
{
	unsigned what = take(p);

	if (what % 8 == 6)
		fputs("null", p->out);
	else if (what % 8 == 7)
		fputs("\"torn\"", p->out);
	else
		fprintf(p->out, "[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
			number(p, p->nexuses, UINT32_MAX), number(p, 8, INT64_MAX),
			number(p, 4, UINT32_MAX));
}

static void tags_member(struct program *p)
{
	unsigned count = take(p) % 4;

	fputs(",\"tags\":[", p->out);
	for (unsigned i = 0; i < count; i++) {
		fputs(i ? "," : "", p->out);
		tag(p);
	}
	fputs("]", p->out);
}

static void holder_members(struct program *p)
{
	number_member(p, "generation", number(p, 12, UINT32_MAX));
	key_member(p, "holder_key");
	number_member(p, "holder_type", number(p, 9, UINT8_MAX));
}

static void decided(struct program *p)
{
	enum history_outcome outcome =
		(enum history_outcome)(1 + take(p) % (HISTORY_OUTCOME_COUNT - 1));

	if (!answer(p, "decided", history_outcome_name(outcome), false))
		return;
	number_member(p, "generation", number(p, 12, UINT32_MAX));
	if (outcome == HISTORY_CHECK)
		check_members(p);
	end(p);
}

static void applied(struct program *p)
{
	unsigned nexus = take(p) % p->nexuses;
	unsigned kind = take(p) % (HISTORY_PREEMPT_AND_ABORT - HISTORY_REGISTER + 1);

	begin(p, "applied", nexus);
	pr_out_members(p, (enum history_op)(HISTORY_REGISTER + kind));
	number_member(p, "generation_seen", number(p, 12, UINT32_MAX));
	end(p);
}

static void returned(struct program *p, const char *outcome, void (*members)(struct program *p))
{
	if (!answer(p, "return", outcome, true))
		return;
	if (members)
		members(p);
	end(p);
}

static void happens(struct program *p, const char *kind, bool to_a_nexus)
{
	begin(p, kind, to_a_nexus ? take(p) % p->nexuses : UINT_MAX);
	end(p);
}

static void medium(struct program *p)
{
	begin(p, "medium", UINT_MAX);
	number_member(p, "lba", number(p, 4, INT64_MAX));
	fputs(",\"tag\":", p->out);
	tag(p);
	end(p);
}

static void play(struct program *p)
{
	switch ((enum step)(take(p) % STEP_COUNT)) {
	case STEP_INVOKE:
		invoke(p, HISTORY_READ_KEYS, HISTORY_TARGET_RESET);
		break;
	case STEP_INVOKE_PR_OUT:
		invoke(p, HISTORY_REGISTER, HISTORY_PREEMPT_AND_ABORT);
		break;
	case STEP_INVOKE_BLOCKS:
		invoke(p, HISTORY_READ, HISTORY_WRITE);
		break;
	case STEP_RETURN_GOOD:
		returned(p, "good", NULL);
		break;
	case STEP_RETURN_CONFLICT:
		returned(p, "conflict", NULL);
		break;
	case STEP_RETURN_CHECK:
		returned(p, "check", check_members);
		break;
	case STEP_RETURN_KEYS:
		returned(p, "good", keys_members);
		break;
	case STEP_RETURN_HOLDER:
		returned(p, "good", holder_members);
		break;
	case STEP_RETURN_TAGS:
		returned(p, "good", tags_member);
		break;
	case STEP_RETURN:
		returned(p,
			 history_outcome_name(
				 (enum history_outcome)(1 + take(p) % (HISTORY_OUTCOME_COUNT - 1))),
			 NULL);
		break;
	case STEP_DECIDED:
		decided(p);
		break;
	case STEP_APPLIED:
		applied(p);
		break;
	case STEP_LOGIN:
		happens(p, "login", true);
		break;
	case STEP_LOGOUT:
		happens(p, "logout", true);
		break;
	case STEP_LOST:
		happens(p, "lost", true);
		break;
	case STEP_CRASH:
		happens(p, "crash", false);
		break;
	case STEP_POWER_CUT:
		happens(p, "power_cut", false);
		break;
	case STEP_UP:
		happens(p, "up", false);
		break;
	case STEP_MEDIUM:
		medium(p);
		break;
	case STEP_COUNT:
		break;
	}
}

/* Two initiators with two target ports each. */
static void introduce(struct program *p, unsigned what)
{
	static const char *const profiles[] = {"spc4", "dlt-s4", "", "spc4"};

	fprintf(p->out,
		"{\"holdfast_history\":1,\"profile\":\"%s\",\"block_size\":512,"
		"\"aptpl_claimed\":%s,\"registrations_max\":%u}\n",
		profiles[what & 3], what & 4 ? "false" : "true", what >> 3 & 1 ? 2 : 0);
	for (unsigned i = 0; i < p->nexuses; i++) {
		fprintf(p->out,
			"{\"at_ns\":%" PRIu64 ",\"kind\":\"nexus\",\"number\":%u,"
			"\"name\":\"iqn.t:%u\",\"target_port\":%u}\n",
			p->now++, i, i / 2, i % 2 + 1);
		begin(p, "login", i);
		end(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program p = {.at = data, .end = data + size};
	unsigned what = take(&p);
	char *text = NULL;
	size_t len = 0;

	p.nexuses = (what >> 4) % NEXUSES_MAX + 1;
	p.out = open_memstream(&text, &len);
	require(p.out != NULL);
	introduce(&p, what);
	for (int i = 0; i < EVENTS_MAX && p.at < p.end; i++)
		play(&p);
	require(fclose(p.out) == 0);
	use_history(text, len, what >> 7 & 1);
	free(text);
	return 0;
}
