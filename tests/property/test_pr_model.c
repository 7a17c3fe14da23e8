/*
 * The target against the model: random programs from several nexuses, every answer, every unit
 * attention and the whole state compared. A failing program is made short and printed.
 *
 *	HOLDFAST_SEED=n   the seed of the first program (default: from the clock; always printed)
 *	HOLDFAST_OPS=n    at least so many steps
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/property/agree.h"

#if defined(__SANITIZE_ADDRESS__)
#define DEFAULT_STEPS 1000000
#else
#define DEFAULT_STEPS 10000000
#endif
#define PROGRAM_STEPS	160
#define SCRIPT_BITS_MAX 8
#define TOGETHER_MAX	4
#define FAILURES_MAX	5

/* What a run found: the step that disagrees, and in which words. */
struct verdict {
	bool failed;
	unsigned step;
	char words[WORDS_MAX];
	uint64_t compared;
};

/* How often what was seen: a generator that never gets anywhere proves nothing. */
static struct {
	uint64_t out[9][3]; /* service action (8: others); GOOD, RESERVATION CONFLICT, others */
	uint64_t other[3];
	uint64_t unit_attentions, aborted, store_errors, restarts_with_state, together, types[9];
	unsigned registrations_max;
} seen;

static uint8_t unsupported[64]; /* by index in program_others: the ASC, or 0 */

static void forget_ended(struct bench *bench)
{
	struct bench_task *t;
	for (unsigned n = 0; n < bench->setup->nexus_count; n++)
		while ((t = bench_take_ended(bench, n)) != NULL) {
			seen.aborted += t->state == BENCH_ABORTED;
			bench_task_free(&t);
		}
}

/* ---- steps ---- */

static uint8_t unsupported_asc(const struct program_step *step)
{
	for (unsigned i = 0; i < program_other_count; i++)
		if (memcmp(program_others[i].cdb, step->cdb, 16) == 0)
			return unsupported[i];
	return 0;
}

/* What there is to compare a command with. */
struct match {
	struct bench *bench;
	struct bench_task *task;
	bool drained;
	bool compare_state;
};

/* The model's outcome that agrees with what was seen, tried script by script. */
static bool matches(struct model *m, const struct model_command *c, const struct match *match,
		    char *words)
{
	static struct model_outcome outcome;
	const struct scsi_lun *lun = scsi_target_lun(match->bench->target, 0);
	char other_words[WORDS_MAX];
	unsigned scripts = 1;

	for (unsigned script = 0; script < scripts; script++) {
		char *w = script == 0 ? words : other_words;
		model_run(m, c, script, &outcome);
		if (outcome.asked > 0 && scripts == 1)
			scripts = 1u << SCRIPT_BITS_MAX;
		if (!answer_agrees(&outcome.answer, match->task, w) ||
		    !aborts_agree(&outcome.answer, &outcome.after, match->bench, c->nexus,
				  match->drained, w) ||
		    (match->compare_state && !state_agrees(&outcome.after, lun, w)))
			continue;
		*m = outcome.after;
		return true;
	}
	return false;
}

static void count(const struct model *m, const struct program_step *step,
		  const struct bench_task *t)
{
	unsigned action = step->cdb[1] & 0x1f;
	unsigned how = t->task.status == SCSI_STATUS_GOOD		    ? 0
		       : t->task.status == SCSI_STATUS_RESERVATION_CONFLICT ? 1
									    : 2;
	bool check = t->task.status == SCSI_STATUS_CHECK_CONDITION;

	if (t->state != BENCH_COMPLETED)
		return;
	if (check && t->task.sense[2] == 6)
		seen.unit_attentions++;
	else if (step->cdb[0] == 0x5f)
		seen.out[action < 8 ? action : 8][how]++;
	else
		seen.other[how]++;
	if (check && step->store_error != PROGRAM_STORE_WORKS &&
	    (t->task.sense[12] == 0x44 || t->task.sense[12] == 0x55))
		seen.store_errors++;
	seen.types[m->type]++;
	if (m->registration_count > seen.registrations_max)
		seen.registrations_max = m->registration_count;
}

static void print_seen(void)
{
	static const char *const names[] = {"REGISTER",
					    "RESERVE",
					    "RELEASE",
					    "CLEAR",
					    "PREEMPT",
					    "PREEMPT AND ABORT",
					    "REGISTER AND IGNORE",
					    "REGISTER AND MOVE",
					    "reserved actions"};

	printf("%-20s %10s %10s %10s\n", "", "GOOD", "conflict", "other");
	for (unsigned i = 0; i < 9; i++)
		printf("%-20s %10llu %10llu %10llu\n", names[i], (unsigned long long)seen.out[i][0],
		       (unsigned long long)seen.out[i][1], (unsigned long long)seen.out[i][2]);
	printf("%-20s %10llu %10llu %10llu\n", "other commands", (unsigned long long)seen.other[0],
	       (unsigned long long)seen.other[1], (unsigned long long)seen.other[2]);
	printf("commands under type");
	for (unsigned type = 0; type < 9; type++)
		if (seen.types[type] > 0)
			printf(" %u: %llu;", type, (unsigned long long)seen.types[type]);
	printf("\n%llu unit attentions, %llu commands aborted, %llu store errors, %llu restarts with "
	       "state, %llu commands that came together, up to %u registrations\n",
	       (unsigned long long)seen.unit_attentions, (unsigned long long)seen.aborted,
	       (unsigned long long)seen.store_errors, (unsigned long long)seen.restarts_with_state,
	       (unsigned long long)seen.together, seen.registrations_max);
}

static uint8_t list_bytes[MODEL_PARAMETER_MAX];

/* The step as the model wants it. */
static struct model_command command_of(const struct program_step *step)
{
	struct model_command c = {.nexus = step->nexus,
				  .list = list_bytes,
				  .list_len = sizeof(list_bytes),
				  .expected_out = step->expected_out,
				  .expected_in = step->expected_in,
				  .unsupported = unsupported_asc(step),
				  .data_withheld = step->kind == PROGRAM_WRITE_BEGIN,
				  .disk_holds = step->kind == PROGRAM_READ_BEGIN,
				  .store = (enum model_store)step->store_error};

	memcpy(c.cdb, step->cdb, 16);
	memset(list_bytes, 0, sizeof(list_bytes));
	memcpy(list_bytes, step->list, step->list_len);
	return c;
}

static bool run_command(struct model *m, struct bench *bench, const struct program_step *step,
			char *words)
{
	struct model_command c = command_of(step);
	struct match match = {.bench = bench, .compare_state = true};
	match.task = bench_run(bench, step, &match.drained);
	struct bench_task *t = match.task;
	bool agrees = matches(m, &c, &match, words);

	if (match.drained)
		model_disk_released(m);
	count(m, step, t);
	if (t->state == BENCH_RUNNING && !t->hangs)
		return agrees; /* reported; freeing it would not be safe */
	if (t->state != BENCH_WAITING && !(t->state == BENCH_RUNNING && t->hangs))
		bench_task_free(&t);
	forget_ended(bench);
	return agrees;
}

/* PERSISTENT RESERVE OUTs that all arrive before the first is through: as if one by one. */
static bool run_together(struct model *m, struct bench *bench, const struct program_step *steps,
			 unsigned n, char *words)
{
	struct bench_task *tasks[TOGETHER_MAX];
	bool agree = true;

	for (unsigned i = 0; i < n; i++)
		tasks[i] = bench_start(bench, &steps[i]);
	bench_settle(bench);
	for (unsigned i = 0; i < n; i++) {
		struct model_command c = command_of(&steps[i]);
		struct match match = {
			.bench = bench, .task = tasks[i], .compare_state = i + 1 == n};
		c.queued = true;
		agree = agree && matches(m, &c, &match, words);
		count(m, &steps[i], tasks[i]);
		seen.together++;
		if (tasks[i]->state == BENCH_COMPLETED)
			bench_task_free(&tasks[i]);
	}
	return agree;
}

/* How many steps from here on can be run together; 1: just the first. */
static unsigned together(const struct model *m, const struct program_step *steps, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct model_nexus *nexus = &m->nexuses[steps[i].nexus];
		bool fits = steps[i].kind == PROGRAM_COMMAND && steps[i].cdb[0] == 0x5f &&
			    (steps[i].cdb[1] & 0x1f) != 5 && nexus->logged_in &&
			    !model_has_ua(nexus) && steps[i].store_error == PROGRAM_STORE_WORKS;
		for (unsigned k = 0; k < i; k++)
			fits = fits && steps[k].nexus != steps[i].nexus;
		if (!fits)
			return i > 0 ? i : 1;
		if (!steps[i].together || i + 1 == TOGETHER_MAX)
			return i + 1;
	}
	return n;
}

static bool run_write_data(struct model *m, struct bench *bench, const struct program_step *step,
			   char *words)
{
	if (m->nexuses[step->nexus].waiting_writes == 0)
		return true;
	model_write_finished(m, step->nexus);
	struct bench_task *t = bench_write_data(bench, step->nexus);
	if (!t)
		return differ(words, "the write that waited for its data is gone, or never ends");
	bool good = t->state == BENCH_COMPLETED && t->task.status == SCSI_STATUS_GOOD;
	if (!good)
		differ(words, "an accepted write got its data and ended with status %02X",
		       t->task.status);
	bench_task_free(&t);
	return good;
}

static bool run_reset(struct model *m, struct bench *bench, const struct program_step *step,
		      char *words)
{
	enum scsi_tmf_function function = step->kind == PROGRAM_LU_RESET
						  ? SCSI_TMF_LOGICAL_UNIT_RESET
						  : SCSI_TMF_TARGET_WARM_RESET;
	model_reset(m);
	if (!bench_manage(bench, step->nexus, function))
		return differ(words, "the reset was refused, or never completed");
	forget_ended(bench);
	for (unsigned n = 0; n < m->nexus_count; n++)
		if (bench->nexuses[n].open)
			return differ(words, "a command of nexus %u outlived the reset", n);
	return true;
}

/* Reads that hung end well. */
static bool run_disk_goes(struct model *m, struct bench *bench, char *words)
{
	bool good = true;

	bench_disk_goes(bench);
	model_disk_released(m);
	for (unsigned n = 0; n < m->nexus_count; n++)
		for (struct bench_task *t = bench->nexuses[n].open; t; t = t->next)
			if (t->state != BENCH_WAITING &&
			    !(t->state == BENCH_COMPLETED && t->task.status == SCSI_STATUS_GOOD))
				good = differ(words, "a read of nexus %u did not end well", n);
	forget_ended(bench);
	return good;
}

static bool run_login(struct model *m, struct bench *bench, const struct program_step *step,
		      char *words)
{
	if (m->nexuses[step->nexus].logged_in)
		return true;
	model_login(m, step->nexus);
	return bench_login(bench, step->nexus) || differ(words, "the nexus could not log in");
}

static bool run_logout(struct model *m, struct bench *bench, const struct program_step *step,
		       enum scsi_nexus_end why, char *words)
{
	bool closed = bench_logout(bench, step->nexus, why);

	model_logout(m, step->nexus);
	if (!closed)
		return differ(words, "a command outlived its nexus");
	return run_disk_goes(m, bench, words);
}

static bool run_step(struct model *m, struct bench *bench, const struct program_step *step,
		     char *words)
{
	bool agrees = true;

	/* A shrunk program may have lost a login. */
	if (!m->nexuses[step->nexus].logged_in && step->kind != PROGRAM_LOGIN &&
	    step->kind != PROGRAM_RESTART && step->kind != PROGRAM_DISK_GOES)
		return true;
	switch (step->kind) {
	case PROGRAM_COMMAND:
	case PROGRAM_WRITE_BEGIN:
	case PROGRAM_READ_BEGIN:
		return run_command(m, bench, step, words); /* compares the state, too */
	case PROGRAM_WRITE_DATA:
		agrees = run_write_data(m, bench, step, words);
		break;
	case PROGRAM_DISK_GOES:
		agrees = run_disk_goes(m, bench, words);
		break;
	case PROGRAM_LOGIN:
		agrees = run_login(m, bench, step, words);
		break;
	case PROGRAM_LOGOUT:
		agrees = run_logout(m, bench, step, SCSI_NEXUS_LOGOUT, words);
		break;
	case PROGRAM_LOSS:
		agrees = run_logout(m, bench, step, SCSI_NEXUS_LOSS, words);
		break;
	case PROGRAM_REINSTATE:
		agrees = run_logout(m, bench, step, SCSI_NEXUS_REINSTATED, words) &&
			 run_login(m, bench, step, words);
		break;
	case PROGRAM_LU_RESET:
	case PROGRAM_TARGET_RESET:
		agrees = run_reset(m, bench, step, words);
		break;
	case PROGRAM_RESTART:
		model_power_cycle(m);
		seen.restarts_with_state += m->registration_count > 0;
		agrees = bench_restart(bench, step) || differ(words, "the target did not start");
		break;
	case PROGRAM_KIND_COUNT:
		break;
	}
	return agrees &&
	       (!bench->target || state_agrees(m, scsi_target_lun(bench->target, 0), words));
}

/* At the end everybody's unit attentions come to light. */
static bool run_to_quiet(struct model *m, struct bench *bench, struct verdict *v)
{
	for (unsigned n = 0; n < m->nexus_count; n++)
		for (unsigned i = 0; i < MODEL_UAS_MAX + 4 && m->nexuses[n].logged_in; i++) {
			struct program_step tur = {.kind = PROGRAM_COMMAND, .nexus = n};
			v->compared++;
			if (!run_command(m, bench, &tur, v->words))
				return false;
		}
	return true;
}

/* ---- programs ---- */

/* With `r`, makes the program as it goes; without, runs the one that is there. */
static void run_program(struct program *program, struct random *r, struct verdict *ret_verdict)
{
	static struct model m;
	struct verdict *v = ret_verdict;
	struct bench *bench = bench_create(&program->setup);

	memset(v, 0, sizeof(*v));
	if (!bench) {
		v->failed = true;
		differ(v->words, "the target did not come up");
		return;
	}
	program_model_init(&program->setup, &m);
	if (r)
		program->count = 0;
	for (unsigned i = 0; !v->failed && i < (r ? PROGRAM_STEPS : program->count);) {
		/* The steps behind one that wants company must be there, too. */
		for (unsigned k = i; r && k < i + TOGETHER_MAX && k < PROGRAM_STEPS; k++) {
			if (k == program->count)
				program_step_make(r, &program->setup, &m,
						  &program->steps[program->count++]);
			if (!program->steps[k].together)
				break;
		}
		const struct program_step *steps = &program->steps[i];
		unsigned n = together(&m, steps, program->count - i);
		v->step = i;
		v->compared += n;
		v->failed = n > 1 ? !run_together(&m, bench, steps, n, v->words)
				  : !run_step(&m, bench, steps, v->words);
		i += n;
	}
	if (!v->failed) {
		v->step = program->count;
		v->failed = !run_to_quiet(&m, bench, v);
	}
	bench_free(&bench);
}

static bool still_fails(const struct program *program)
{
	static struct program copy;
	struct verdict v;

	copy = *program;
	run_program(&copy, NULL, &v);
	return v.failed;
}

static void report(struct program *program)
{
	struct verdict v;

	program_shrink(program, still_fails);
	run_program(program, NULL, &v);
	printf("The target disagrees with the model:\n");
	program_setup_print(&program->setup, stdout);
	for (unsigned i = 0; i < program->count; i++) {
		printf("%s%3u  ", v.step == i ? "->" : "  ", i + 1);
		program_step_print(&program->steps[i], stdout);
	}
	if (v.step == program->count)
		printf("->     everybody: TEST UNIT READY until all is quiet\n");
	printf("   %s\n\n", v.words);
}

/* Which of the other commands the target has: an answer without any reservation tells. */
static bool probe(void)
{
	static struct program program;
	bool fine = true;

	program_setup_make(1, &program.setup);
	struct bench *bench = bench_create(&program.setup);
	if (!bench || !bench_login(bench, 0))
		return false;
	for (unsigned i = 0; i < program_other_count; i++) {
		struct program_step step = {.kind = PROGRAM_COMMAND,
					    .expected_out = program_others[i].out_len,
					    .expected_in = program_others[i].in_len};
		memcpy(step.cdb, program_others[i].cdb, 16);
		bool drained;
		struct bench_task *t = bench_run(bench, &step, &drained);
		if (t->task.status == SCSI_STATUS_CHECK_CONDITION && t->task.sense[2] == 6) {
			bench_task_free(&t); /* the session's first unit attention */
			t = bench_run(bench, &step, &drained);
		}
		uint8_t asc = t->task.status == SCSI_STATUS_CHECK_CONDITION ? t->task.sense[12] : 0;
		/* An opcode that is there without this service action: INVALID FIELD IN CDB. */
		if (t->task.status != SCSI_STATUS_GOOD && asc != 0x20 &&
		    !(asc == 0x24 && step.cdb[0] >= 0x9e && step.cdb[0] <= 0xa4)) {
			printf("%s: status %02X, ASC %02X without any reservation\n",
			       program_others[i].name, t->task.status, asc);
			fine = false;
		}
		unsupported[i] = asc;
		bench_task_free(&t);
	}
	bench_free(&bench);
	return fine;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* The sheet's scenario 145, with more nexuses, restarts, a store that fails, and both profiles. */
static bool scenario_145_random_programs_agree_with_the_model(uint64_t seed, uint64_t steps)
{
	static struct program program;
	uint64_t done = 0, programs = 0;
	unsigned failed = 0;

	while (done < steps && failed < FAILURES_MAX) {
		struct verdict v;
		struct random r = {seed + programs + 0x5eed};
		program_setup_make(seed + programs, &program.setup);
		run_program(&program, &r, &v);
		done += v.compared;
		programs++;
		if (v.failed) {
			failed++;
			report(&program);
		}
	}
	print_seen();
	printf("%llu programs, %llu steps\n", (unsigned long long)programs,
	       (unsigned long long)done);
	printf("%llu passed, %u failed\n", (unsigned long long)(programs - failed), failed);
	return failed == 0;
}

int main(void)
{
	uint64_t seed = number_of("HOLDFAST_SEED", (uint64_t)time(NULL));
	uint64_t steps = number_of("HOLDFAST_OPS", DEFAULT_STEPS);

	printf("HOLDFAST_SEED=%llu HOLDFAST_OPS=%llu\n", (unsigned long long)seed,
	       (unsigned long long)steps);
	if (!probe()) {
		printf("0 passed, 1 failed\n");
		return EXIT_FAILURE;
	}
	bool agree = scenario_145_random_programs_agree_with_the_model(seed, steps);
	return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}
