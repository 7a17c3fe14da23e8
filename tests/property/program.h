/*
 * Random programs for one LU: a set-up and a list of steps, made from a seed. The generator looks
 * at a model to aim well (the right key, the holder's key, a nexus that is logged in), but a
 * program, once made, is plain data: it can be run again, printed, and made shorter.
 */
#ifndef TESTS_PROPERTY_PROGRAM_H
#define TESTS_PROPERTY_PROGRAM_H

#include <stdio.h>

#include "tests/property/model.h"

#define PROGRAM_LIST_MAX  768 /* bytes of a parameter list that are told; the rest is zeros */
#define PROGRAM_STEPS_MAX 256

/* splitmix64: small, and the same everywhere. */
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *r);
unsigned random_below(struct random *r, unsigned n);
bool random_chance(struct random *r, unsigned percent);

enum program_step_kind {
	PROGRAM_COMMAND = 1,
	PROGRAM_WRITE_BEGIN, /* a WRITE(10) that is not given its data */
	PROGRAM_WRITE_DATA,  /* the data of the oldest such WRITE of this nexus */
	PROGRAM_READ_BEGIN,  /* a READ(10) that hangs at the disk */
	PROGRAM_DISK_GOES,   /* what hangs there goes on */
	PROGRAM_LOGIN,
	PROGRAM_LOGOUT,
	PROGRAM_LOSS,
	PROGRAM_REINSTATE, /* session reinstatement: the nexus ends and opens again */
	PROGRAM_LU_RESET,
	PROGRAM_TARGET_RESET,
	PROGRAM_RESTART, /* kill -9 and start again from what the journal's disk holds */
	PROGRAM_KIND_COUNT,
};

enum program_store_error {
	PROGRAM_STORE_WORKS = 0,
	PROGRAM_STORE_NO_SPACE,
	PROGRAM_STORE_IO_ERROR,
};

struct program_step {
	enum program_step_kind kind;
	enum program_store_error store_error; /* the journal's store fails during this command */
	unsigned nexus;
	bool together; /* the next command comes before this one is through */
	uint8_t cdb[16];
	uint32_t expected_out, expected_in;
	uint32_t list_len;
	uint8_t list[PROGRAM_LIST_MAX];
};

struct program_setup {
	uint64_t seed;
	const char *profile; /* "dlt-s4", "spc4" or "mixed": for people */
	struct model_traits traits;
	bool tas;
	unsigned limit;
	unsigned port_count;
	unsigned key_count; /* keys are drawn from so many: few make duplicates */
	unsigned nexus_count;
	struct model_identity nexuses[MODEL_NEXUSES_MAX];
};

struct program {
	struct program_setup setup;
	unsigned count;
	struct program_step steps[PROGRAM_STEPS_MAX];
};

/* Commands other than PERSISTENT RESERVE and RESERVE/RELEASE, to see them refused or let pass. */
struct program_other {
	const char *name;
	uint8_t cdb[16];
	uint32_t out_len; /* bytes of Data-Out, all zeros */
	uint32_t in_len;
};
extern const struct program_other program_others[];
extern const unsigned program_other_count;

void program_setup_make(uint64_t seed, struct program_setup *ret_setup);
void program_model_init(const struct program_setup *setup, struct model *ret_model);

/* The next step, aimed with the model's help. */
void program_step_make(struct random *r, const struct program_setup *setup, const struct model *m,
		       struct program_step *ret_step);

/* The same for a PERSISTENT RESERVE OUT; may choose another nexus. */
void program_pr_out_make(struct random *r, const struct program_setup *setup, const struct model *m,
			 struct program_step *step);

void program_step_print(const struct program_step *step, FILE *out);
void program_setup_print(const struct program_setup *setup, FILE *out);

/* Makes a failing program shorter for as long as `fails` says that it still fails. */
void program_shrink(struct program *program, bool (*fails)(const struct program *program));

#endif
