#include "tests/support/lab_sim.h"

#include <stdlib.h>
#include <string.h>

#include "tools/lab/judge_lu.h"

#define BLOCKS	  64
#define TRACE_MAX 1024

enum progress {
	IDLE = 0, /* may send */
	SENT,	  /* the target has not looked at it */
	DONE,	  /* answered, and on its way back */
	AWAY,	  /* no session */
};

struct initiator {
	enum progress progress;
	uint64_t command, sequence;
	struct history_command sent;
	struct history_result result;
	struct history_tag tag;
	uint64_t keys[64];
};

/* What the target has decided, and nobody has asked for yet. */
struct decision {
	struct history_event decided, quoted; /* quoted: KIND_INVALID where no journal has it */
};

struct sim {
	const struct lab_sim_options *options;
	struct history_writer *writer;
	struct lu lu;
	struct initiator *initiators;
	struct history_nexus *nexuses;
	struct history_tag blocks[BLOCKS];
	uint64_t random, at_ns, command;
	size_t since_crash, since_cut;
	struct decision trace[TRACE_MAX];
	unsigned trace_count;
	/* Before the command at hand, for the quotes. */
	uint64_t *keys_before; /* [options->nexuses] */
	uint32_t type_before, holder_before, aptpl_before, generation_before;
};

static uint32_t below(struct sim *sim, uint32_t limit)
{
	sim->random ^= sim->random << 13;
	sim->random ^= sim->random >> 7;
	sim->random ^= sim->random << 17;
	return (uint32_t)(sim->random >> 32) % limit;
}

static void record(struct sim *sim, struct history_event event)
{
	event.at_ns = sim->at_ns++;
	if (history_write(sim->writer, &event) != 0)
		abort();
}

static void record_kind(struct sim *sim, enum history_kind kind, uint32_t nexus)
{
	record(sim,
	       (struct history_event){.kind = kind, .nexus = nexus, .command = HISTORY_NO_COMMAND});
}

/* Mostly a key that means something. */
static uint64_t some_key(struct sim *sim)
{
	return sim->lu.keys[below(sim, sim->options->nexuses)];
}

static void choose(struct sim *sim, uint32_t nexus, struct history_command *c)
{
	static const uint8_t types[] = {1, 3, 5, 6, 7, 8};
	static const enum history_op ops[] = {
		HISTORY_WRITE,
		HISTORY_WRITE,
		HISTORY_WRITE,
		HISTORY_READ,
		HISTORY_READ,
		HISTORY_READ,
		HISTORY_READ_KEYS,
		HISTORY_READ_KEYS,
		HISTORY_READ_RESERVATION,
		HISTORY_TEST_UNIT_READY,
		HISTORY_REGISTER,
		HISTORY_REGISTER,
		HISTORY_REGISTER_AND_IGNORE,
		HISTORY_RESERVE,
		HISTORY_RESERVE,
		HISTORY_RELEASE,
		HISTORY_PREEMPT,
		HISTORY_PREEMPT_AND_ABORT,
		HISTORY_CLEAR,
		HISTORY_REGISTER_AND_MOVE,
	};

	memset(c, 0, sizeof(*c));
	c->op = ops[below(sim, sizeof(ops) / sizeof(ops[0]))];
	if (c->op == HISTORY_CLEAR && below(sim, 4) != 0)
		c->op = HISTORY_WRITE;
	c->move_to = HISTORY_NO_NEXUS;
	c->blocks = 1;
	c->lba = below(sim, BLOCKS);
	c->type = types[below(sim, 6)];
	c->key = sim->lu.keys[nexus];
	c->action_key = some_key(sim);
	c->aptpl = below(sim, 8) != 0;
	if (c->op == HISTORY_REGISTER || c->op == HISTORY_REGISTER_AND_IGNORE)
		c->action_key = below(sim, 5) == 0 ? 0 : 0x1000 + below(sim, 40);
	if (c->op == HISTORY_REGISTER_AND_MOVE)
		c->move_to = below(sim, sim->options->nexuses);
	if (c->op == HISTORY_WRITE)
		c->sequence = ++sim->initiators[nexus].sequence;
}

static void send(struct sim *sim, uint32_t nexus)
{
	struct initiator *who = &sim->initiators[nexus];

	choose(sim, nexus, &who->sent);
	who->command = ++sim->command;
	who->progress = SENT;
	record(sim, (struct history_event){.kind = HISTORY_INVOKE,
					   .nexus = nexus,
					   .command = who->command,
					   .u.invoked = who->sent});
}

static void show(struct sim *sim, struct initiator *who)
{
	struct history_result *r = &who->result;
	const struct lu *m = &sim->lu;

	r->generation = m->generation;
	if (who->sent.op == HISTORY_READ_RESERVATION) {
		r->holder_type = (uint8_t)m->type;
		r->holder_key = m->holder == (uint32_t)LU_NOBODY ? 0 : m->keys[m->holder];
		return;
	}
	for (uint32_t i = 0; i < m->nexus_count; i++)
		if (m->keys[i] != 0)
			who->keys[r->key_count++] = m->keys[i];
	r->keys = who->keys;
}

static void report_attention(struct sim *sim, uint32_t nexus, struct history_result *r)
{
	static const uint8_t codes[][2] = {{0x29, 0}, {0x2a, 3}, {0x2a, 4}, {0x2a, 5}};

	r->outcome = HISTORY_CHECK;
	r->sense_key = 6;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		r->asc = codes[i][0];
		r->ascq = codes[i][1];
		if (r->asc == 0x29 && (sim->lu.pending[nexus] & LU_UA_RESET) == 0)
			continue;
		if (lu_attention_take(&sim->lu, nexus, r->asc, r->ascq))
			return;
	}
	abort();
}

static void note_state(struct sim *sim)
{
	memcpy(sim->keys_before, sim->lu.keys, sim->options->nexuses * sizeof(uint64_t));
	sim->type_before = sim->lu.type;
	sim->holder_before = sim->lu.holder;
	sim->aptpl_before = sim->lu.aptpl;
	sim->generation_before = sim->lu.generation;
}

/* What only counts in PRGENERATION leaves no record in a journal. */
static bool has_changed(const struct sim *sim)
{
	const struct lu *m = &sim->lu;

	return m->type != sim->type_before || m->holder != sim->holder_before ||
	       m->aptpl != sim->aptpl_before ||
	       memcmp(sim->keys_before, m->keys, sim->options->nexuses * sizeof(uint64_t)) != 0;
}

/* Of what was asked for the trace tells which command it was. */
static void ask_trace(struct sim *sim, bool has_crashed)
{
	for (unsigned i = 0; i < sim->trace_count; i++)
		if (!has_crashed)
			record(sim, sim->trace[i].decided);
		else if (sim->trace[i].quoted.kind != HISTORY_KIND_INVALID)
			record(sim, sim->trace[i].quoted);
	sim->trace_count = 0;
}

static struct history_event quote(const struct sim *sim, uint32_t nexus)
{
	struct history_event event = {.kind = HISTORY_APPLIED,
				      .nexus = nexus,
				      .command = HISTORY_NO_COMMAND,
				      .u.invoked = sim->initiators[nexus].sent};

	event.u.invoked.aptpl = sim->lu.aptpl;
	event.u.invoked.generation_seen = sim->lu.generation;
	return event;
}

/* What took effect, or was told. */
static void decide(struct sim *sim, uint32_t nexus, enum history_outcome outcome)
{
	struct decision decision = {.decided = {.kind = HISTORY_DECIDED,
						.nexus = nexus,
						.command = sim->initiators[nexus].command}};
	bool has_record = outcome == HISTORY_GOOD && has_changed(sim);

	if (outcome == HISTORY_GOOD && !has_record && sim->lu.generation == sim->generation_before)
		return;
	decision.decided.u.returned.outcome = outcome;
	decision.decided.u.returned.generation = sim->lu.generation;
	if (has_record)
		decision.quoted = quote(sim, nexus);
	if (sim->options->trace_every == 0) {
		if (sim->options->quotes && has_record)
			record(sim, decision.quoted);
		return;
	}
	sim->trace[sim->trace_count++] = decision;
	if (sim->trace_count >= sim->options->trace_every)
		ask_trace(sim, false);
}

/* The moment at which the target does it. */
static void serve(struct sim *sim, uint32_t nexus)
{
	struct initiator *who = &sim->initiators[nexus];
	struct history_result *r = &who->result;
	struct lu_answer answer;
	unsigned variants;

	memset(r, 0, sizeof(*r));
	who->progress = DONE;
	note_state(sim);
	if (lu_attention_pending(&sim->lu, nexus)) {
		report_attention(sim, nexus, r);
		decide(sim, nexus, HISTORY_CHECK);
		return;
	}
	answer = lu_step(&sim->lu, nexus, &who->sent, 0, &variants);
	decide(sim, nexus, HISTORY_GOOD);
	r->outcome = answer.outcome;
	r->sense_key = answer.sense_key;
	r->asc = answer.asc;
	r->ascq = answer.ascq;
	if (r->outcome != HISTORY_GOOD)
		return;
	if (history_op_is_pr_in(who->sent.op))
		show(sim, who);
	if (who->sent.op == HISTORY_WRITE)
		sim->blocks[who->sent.lba] = (struct history_tag){
			.written = true, .nexus = nexus, .sequence = who->sent.sequence};
	if (who->sent.op == HISTORY_READ) {
		who->tag = sim->blocks[who->sent.lba];
		r->tags = &who->tag;
		r->tag_count = 1;
	}
}

static void come_back(struct sim *sim, uint32_t nexus, bool answered)
{
	struct initiator *who = &sim->initiators[nexus];

	if (!answered)
		who->result = (struct history_result){.outcome = HISTORY_UNKNOWN};
	record(sim, (struct history_event){.kind = HISTORY_RETURN,
					   .nexus = nexus,
					   .command = who->command,
					   .u.returned = who->result});
	who->progress = IDLE;
}

static void lose(struct sim *sim, uint32_t nexus)
{
	struct initiator *who = &sim->initiators[nexus];

	if (who->progress == SENT && below(sim, 2) == 0)
		serve(sim, nexus);
	if (who->progress == SENT || who->progress == DONE)
		come_back(sim, nexus, false);
	lu_session_ends(&sim->lu, nexus);
	record_kind(sim, HISTORY_LOST, nexus);
	who->progress = AWAY;
}

static void crash(struct sim *sim)
{
	lu_crash(&sim->lu);
	ask_trace(sim, true);
	record_kind(sim, HISTORY_CRASH, HISTORY_NO_NEXUS);
	for (uint32_t i = 0; i < sim->options->nexuses; i++) {
		struct initiator *who = &sim->initiators[i];
		if (who->progress == SENT || who->progress == DONE)
			come_back(sim, i, false);
		if (who->progress != AWAY)
			record_kind(sim, HISTORY_LOST, i);
		who->progress = AWAY;
	}
	record_kind(sim, HISTORY_UP, HISTORY_NO_NEXUS);
}

/* Targets take commands as they come, more or less. */
static uint32_t whose_turn(struct sim *sim, uint32_t nexus)
{
	if (below(sim, 8) == 0)
		return nexus;
	for (uint32_t i = 0; i < sim->options->nexuses; i++)
		if (sim->initiators[i].progress == SENT &&
		    sim->initiators[i].command < sim->initiators[nexus].command)
			nexus = i;
	return nexus;
}

static void act(struct sim *sim)
{
	uint32_t nexus = below(sim, sim->options->nexuses);
	struct initiator *who = &sim->initiators[nexus];

	switch (who->progress) {
	case AWAY:
		lu_session_begins(&sim->lu, nexus);
		record_kind(sim, HISTORY_LOGIN, nexus);
		who->progress = IDLE;
		break;
	case IDLE:
		send(sim, nexus);
		break;
	case SENT:
		serve(sim, whose_turn(sim, nexus));
		break;
	case DONE:
		come_back(sim, nexus, true);
		break;
	}
	sim->lu.log_len = 0; /* nothing is ever taken back here */
	if (sim->options->cut_every > 0 && ++sim->since_cut >= sim->options->cut_every * 3ul) {
		sim->since_cut = 0;
		if (who->progress != AWAY)
			lose(sim, nexus);
	}
	if (sim->options->crash_every > 0 &&
	    ++sim->since_crash >= sim->options->crash_every * 3ul) {
		sim->since_crash = 0;
		crash(sim);
	}
}

static void introduce(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->options->nexuses; i++) {
		struct history_event event = {.kind = HISTORY_NEXUS,
					      .nexus = HISTORY_NO_NEXUS,
					      .command = HISTORY_NO_COMMAND};
		event.u.introduced.number = i;
		event.u.introduced.target_port = 1;
		snprintf(event.u.introduced.name, sizeof(event.u.introduced.name),
			 "iqn.2026-11.test:%u", (unsigned)i);
		sim->nexuses[i] = event.u.introduced;
		record(sim, event);
		sim->initiators[i].progress = AWAY;
	}
}

void lab_sim_record(const struct lab_sim_options *options, FILE *out)
{
	static const struct lu_rules rules = {.ua_preempt_05 = true,
					      .own_key_removed = true,
					      .unit_attentions = true,
					      .aptpl = true};
	struct history_head head = {
		.profile = "spc4", .seed = options->seed, .block_size = 512, .aptpl_claimed = true};
	struct sim sim = {.options = options, .random = options->seed | 1};

	sim.writer = history_writer_create(out, &head);
	sim.initiators = calloc(options->nexuses, sizeof(*sim.initiators));
	sim.nexuses = calloc(options->nexuses, sizeof(*sim.nexuses));
	sim.keys_before = calloc(options->nexuses, sizeof(*sim.keys_before));
	if (!sim.writer || !sim.initiators || !sim.nexuses || !sim.keys_before ||
	    options->nexuses > 64 || options->trace_every > TRACE_MAX ||
	    lu_init(&sim.lu, &rules, sim.nexuses, options->nexuses) != 0)
		abort();
	introduce(&sim);
	while (sim.command < options->commands)
		act(&sim);
	ask_trace(&sim, false);
	if (history_writer_finish(&sim.writer) != 0)
		abort();
	lu_finish(&sim.lu);
	free(sim.initiators);
	free(sim.nexuses);
	free(sim.keys_before);
}
