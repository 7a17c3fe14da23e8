/* Making and shrinking programs. */
#include "tests/property/program.h"

#include <string.h>

uint64_t random_next(struct random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned random_below(struct random *r, unsigned n)
{
	return (unsigned)(random_next(r) % n);
}

bool random_chance(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}

/* ---- set-up ---- */

static void identity_make(struct random *r, const struct program_setup *setup,
			  struct model_identity *ret_who)
{
	static const char *const names[] = {
		"iqn.2026-01.org.example:one",
		"iqn.a",
		"eui.02004567a425678d",
		"naa.52004567ba64678d",
		"iqn.2026-01.org.example:a-host-with-quite-a-long-name.in-a.rather.deep.domain:0",
	};
	memset(ret_who, 0, sizeof(*ret_who));
	strcpy(ret_who->name, names[random_below(r, 5)]);
	ret_who->isid[1] = 0x02;
	ret_who->isid[2] = 0x3d;
	ret_who->isid[5] = (uint8_t)(1 + random_below(r, 3));
	ret_who->port = (uint16_t)(1 + random_below(r, setup->port_count));
}

static bool identity_taken(const struct program_setup *setup, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (model_same_nexus(&setup->nexuses[i], &setup->nexuses[n]))
			return true;
	return false;
}

/* A third each: the two profiles, and one that takes anything from either, or from elsewhere. */
static void traits_make(struct random *r, struct program_setup *setup)
{
	static const uint8_t ascqs[] = {0x00, 0x03, 0x04, 0x05};
	unsigned roll = random_below(r, 3);

	setup->profile = roll == 0 ? "dlt-s4" : roll == 1 ? "spc4" : "mixed";
	setup->traits = roll == 0 ? model_dlt_s4 : model_spc4;
	if (roll < 2)
		return;
	setup->traits = (struct model_traits){
		.types = (unsigned)random_next(r) & model_spc4.types,
		.in_actions = random_chance(r, 50) ? 0x0f : (unsigned)random_next(r) & 0x0f,
		.out_actions = random_chance(r, 50) ? 0xff : (unsigned)random_next(r) & 0xff,
		.spec_i_pt = random_chance(r, 50),
		.all_ports = random_chance(r, 50),
		.crh = random_chance(r, 50),
		.aptpl = random_chance(r, 70),
		.allow_commands = (uint8_t)random_below(r, 6),
		.preempt_ascq = ascqs[random_below(r, 4)],
		.clear_ascq = ascqs[random_below(r, 4)],
		.removes_own_key = random_chance(r, 50),
		.always_checks_type = random_chance(r, 50),
		.key_0_conflicts = random_chance(r, 50),
	};
}

void program_setup_make(uint64_t seed, struct program_setup *ret_setup)
{
	struct random r = {seed};
	struct program_setup *s = ret_setup;

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	traits_make(&r, s);
	s->tas = random_chance(&r, 40);
	s->limit = random_chance(&r, 25) ? 1 + random_below(&r, 5) : MODEL_REGISTRATIONS_MAX;
	s->port_count = 1 + random_below(&r, MODEL_PORTS_MAX);
	s->key_count = 1 + random_below(&r, 8);
	s->nexus_count = 1 + random_below(&r, MODEL_NEXUSES_MAX);
	for (unsigned i = 0; i < s->nexus_count; i++)
		do
			identity_make(&r, s, &s->nexuses[i]);
		while (identity_taken(s, i));
}

void program_model_init(const struct program_setup *setup, struct model *ret_model)
{
	model_init(ret_model, &setup->traits, setup->limit, setup->port_count);
	ret_model->tas = setup->tas;
	ret_model->nexus_count = setup->nexus_count;
	for (unsigned i = 0; i < setup->nexus_count; i++)
		ret_model->nexuses[i].who = setup->nexuses[i];
}

/* ---- other steps ---- */

static void pr_in_make(struct random *r, struct program_step *step)
{
	uint32_t allocation = random_chance(r, 50) ? random_below(r, 64) : random_below(r, 2048);

	step->cdb[0] = 0x5e;
	step->cdb[1] = (uint8_t)(random_chance(r, 95) ? random_below(r, 4) : random_below(r, 32));
	if (random_chance(r, 20))
		allocation = random_chance(r, 50) ? 8192 : 65535;
	model_put_be(step->cdb + 7, 2, allocation);
	if (random_chance(r, 3)) {
		step->cdb[1] = (uint8_t)(step->cdb[1] | random_below(r, 8) << 5);
		model_put_be(step->cdb + 2, 5, random_next(r));
	}
	if (random_chance(r, 1))
		step->cdb[9] = (uint8_t)random_below(r, 256);
	step->expected_in = random_chance(r, 90) ? allocation : random_below(r, 1024);
}

static void other_make(struct random *r, struct program_step *step)
{
	const struct program_other *other = &program_others[random_below(r, program_other_count)];

	memcpy(step->cdb, other->cdb, 16);
	step->expected_out = other->out_len;
	step->expected_in = other->in_len;
	step->list_len = 0;
}

/* Who has reserved releases soon, or nothing else would ever run. */
static void spc2_make(struct random *r, const struct model *m, struct program_step *step)
{
	static const uint8_t opcodes[] = {0x16, 0x56, 0x17, 0x57};
	step->cdb[0] = opcodes[random_below(r, 4)];
	if (m->spc2_owner >= 0 && m->nexuses[m->spc2_owner].logged_in && random_chance(r, 60)) {
		step->nexus = (unsigned)m->spc2_owner;
		step->cdb[0] = opcodes[2 + random_below(r, 2)];
	}
}

static void command_make(struct random *r, const struct program_setup *setup, const struct model *m,
			 struct program_step *step)
{
	unsigned roll = random_below(r, 100);

	step->kind = PROGRAM_COMMAND;
	if (m->spc2_owner >= 0 && roll < 25) {
		spc2_make(r, m, step);
	} else if (roll < 60) {
		program_pr_out_make(r, setup, m, step);
	} else if (roll < 73) {
		pr_in_make(r, step);
	} else if (roll < 92) {
		other_make(r, step);
	} else if (roll < 95) {
		spc2_make(r, m, step);
	} else if (roll < 98) {
		step->cdb[0] = 0x03; /* REQUEST SENSE */
		step->cdb[4] = 252;
		step->expected_in = 252;
	} /* else TEST UNIT READY: all zeros */
}

static unsigned pick_nexus(struct random *r, const struct model *m, bool logged_in)
{
	unsigned nexus = random_below(r, m->nexus_count);
	for (unsigned i = 0; i < m->nexus_count; i++) {
		if (m->nexuses[nexus].logged_in == logged_in)
			break;
		nexus = (nexus + 1) % m->nexus_count;
	}
	return nexus;
}

void program_step_make(struct random *r, const struct program_setup *setup, const struct model *m,
		       struct program_step *ret_step)
{
	struct program_step *step = ret_step;
	unsigned roll = random_below(r, 1000);

	memset(step, 0, sizeof(*step));
	step->nexus = pick_nexus(r, m, true);
	if (!m->nexuses[step->nexus].logged_in || roll < 25) {
		step->kind = PROGRAM_LOGIN;
		step->nexus = pick_nexus(r, m, false);
	} else if (roll < 33) {
		step->kind = PROGRAM_LOGOUT;
	} else if (roll < 38) {
		step->kind = PROGRAM_LOSS;
	} else if (roll < 42) {
		step->kind = PROGRAM_REINSTATE;
	} else if (roll < 48) {
		step->kind = PROGRAM_LU_RESET;
	} else if (roll < 51) {
		step->kind = PROGRAM_TARGET_RESET;
	} else if (roll < 61) {
		step->kind = PROGRAM_RESTART;
		step->list[0] = (uint8_t)random_next(r); /* which unsynced calls are lost */
		if (random_chance(r, 50))
			step->list[0] = 0xff;
	} else if (roll < 110) {
		step->kind = PROGRAM_WRITE_BEGIN;
	} else if (roll < 140) {
		step->kind = PROGRAM_WRITE_DATA;
	} else if (roll < 170) {
		step->kind = PROGRAM_READ_BEGIN;
	} else if (roll < 176) {
		step->kind = PROGRAM_DISK_GOES;
	} else {
		command_make(r, setup, m, step);
	}
	if (step->kind == PROGRAM_WRITE_BEGIN) {
		step->cdb[0] = 0x2a; /* WRITE(10), one block of the first half */
		step->cdb[5] = (uint8_t)random_below(r, 32);
		step->cdb[8] = 1;
		step->expected_out = 512;
	} else if (step->kind == PROGRAM_READ_BEGIN) {
		step->cdb[0] = 0x28; /* READ(10), one block of the second half */
		step->cdb[5] = (uint8_t)(32 + random_below(r, 32));
		step->cdb[8] = 1;
		step->expected_in = 512;
	}
}

/* ---- shrinking ---- */

static void without(const struct program *from, unsigned first, unsigned count, struct program *to)
{
	to->setup = from->setup;
	to->count = 0;
	for (unsigned i = 0; i < from->count; i++)
		if (i < first || i >= first + count)
			to->steps[to->count++] = from->steps[i];
}

/* Larger pieces first, then single steps, again and again until nothing more can go. */
void program_shrink(struct program *program, bool (*fails)(const struct program *program))
{
	static struct program candidate;
	bool shorter = true;

	while (shorter) {
		shorter = false;
		for (unsigned piece = program->count / 2; piece > 0; piece /= 2)
			for (unsigned first = 0; first < program->count;) {
				without(program, first, piece, &candidate);
				if (candidate.count < program->count && fails(&candidate)) {
					*program = candidate;
					shorter = true;
				} else {
					first += piece;
				}
			}
	}
}
