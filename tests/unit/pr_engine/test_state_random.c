/* The state against a plain array that is searched from end to end, over random changes. */
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/state.h"
#include "tests/support/suite.h"
#include "tests/unit/pr_engine/dice.h"

#define NEXUSES 40

struct naive {
	uint32_t capacity, count;
	struct {
		uint64_t id, key;
		unsigned nexus;
	} registrations[NEXUSES]; /* in order */
	uint64_t next_id, holder_id;
	unsigned type;
	bool aptpl;
};

static struct pr_nexus_id nexus_number(unsigned n)
{
	struct pr_nexus_id nexus = {.relative_target_port_id = (uint16_t)(1 + n % 2)};

	snprintf(nexus.initiator_name, sizeof(nexus.initiator_name), "iqn.2020-01.test:%u", n / 4);
	nexus.isid[3] = (uint8_t)(n / 2 % 2);
	return nexus;
}

static int naive_find_nexus(const struct naive *naive, unsigned nexus)
{
	for (uint32_t i = 0; i < naive->count; i++)
		if (naive->registrations[i].nexus == nexus)
			return (int)i;
	return -1;
}

static int naive_find_id(const struct naive *naive, uint64_t id)
{
	for (uint32_t i = 0; i < naive->count; i++)
		if (naive->registrations[i].id == id)
			return (int)i;
	return -1;
}

static bool naive_add(struct naive *naive, const struct pr_change *change, unsigned nexus)
{
	if (naive->count == naive->capacity || naive_find_nexus(naive, nexus) >= 0 ||
	    change->key == 0 || change->registration_id < naive->next_id)
		return false;
	naive->registrations[naive->count].id = change->registration_id;
	naive->registrations[naive->count].key = change->key;
	naive->registrations[naive->count].nexus = nexus;
	naive->count++;
	naive->next_id = change->registration_id + 1;
	return true;
}

static bool naive_remove(struct naive *naive, uint64_t id)
{
	int at = naive_find_id(naive, id);

	if (at < 0 || (naive->type != 0 && naive->type < 7 && naive->holder_id == id) ||
	    (naive->type >= 7 && naive->count == 1))
		return false;
	memmove(&naive->registrations[at], &naive->registrations[at + 1],
		(naive->count - (uint32_t)at - 1) * sizeof(naive->registrations[0]));
	naive->count--;
	return true;
}

static bool naive_reserve(struct naive *naive, const struct pr_change *change)
{
	unsigned type = change->type;

	if (type != 1 && type != 3 && (type < 5 || type > 8))
		return false;
	if (type >= 7 ? change->registration_id != 0 || naive->count == 0
		      : naive_find_id(naive, change->registration_id) < 0)
		return false;
	naive->type = type;
	naive->holder_id = change->registration_id;
	return true;
}

static bool naive_set_key(struct naive *naive, const struct pr_change *change)
{
	int at = naive_find_id(naive, change->registration_id);

	if (at < 0 || change->key == 0)
		return false;
	naive->registrations[at].key = change->key;
	return true;
}

static bool naive_release(struct naive *naive)
{
	bool any = naive->type != 0;

	naive->type = 0;
	naive->holder_id = 0;
	return any;
}

static bool naive_apply(struct naive *naive, const struct pr_change *change, unsigned nexus)
{
	switch (change->op) {
	case PR_CHANGE_ADD:
		return naive_add(naive, change, nexus);
	case PR_CHANGE_REMOVE:
		return naive_remove(naive, change->registration_id);
	case PR_CHANGE_REMOVE_ALL:
		naive->count = 0;
		naive_release(naive);
		return true;
	case PR_CHANGE_SET_KEY:
		return naive_set_key(naive, change);
	case PR_CHANGE_RESERVE:
		return naive_reserve(naive, change);
	case PR_CHANGE_RELEASE:
		return naive_release(naive);
	case PR_CHANGE_APTPL:
		naive->aptpl = change->aptpl;
		return true;
	case PR_CHANGE_NEXT_ID:
		if (change->registration_id < naive->next_id)
			return false;
		naive->next_id = change->registration_id;
		return true;
	case PR_CHANGE_INVALID:
		break;
	}
	return false;
}

static enum pr_change_op random_op(struct dice *dice)
{
	static const enum pr_change_op often[] = {
		PR_CHANGE_ADD,	  PR_CHANGE_ADD,     PR_CHANGE_ADD,	PR_CHANGE_REMOVE,
		PR_CHANGE_REMOVE, PR_CHANGE_SET_KEY, PR_CHANGE_RESERVE, PR_CHANGE_RELEASE,
	};
	static const enum pr_change_op seldom[] = {PR_CHANGE_REMOVE_ALL, PR_CHANGE_APTPL,
						   PR_CHANGE_NEXT_ID, PR_CHANGE_INVALID};

	return dice_roll(dice, 50) == 0 ? seldom[dice_roll(dice, 4)] : often[dice_roll(dice, 8)];
}

static uint64_t random_id(const struct naive *naive, struct dice *dice, enum pr_change_op op)
{
	if (op == PR_CHANGE_ADD || op == PR_CHANGE_NEXT_ID)
		return naive->next_id + dice_roll(dice, 3) - (dice_roll(dice, 10) == 0);
	if (naive->count > 0 && dice_roll(dice, 10) != 0)
		return naive->registrations[dice_roll(dice, naive->count)].id;
	return dice_roll(dice, 20);
}

static struct pr_change random_change(const struct naive *naive, struct dice *dice, unsigned nexus)
{
	struct pr_change change = {
		.op = random_op(dice),
		.aptpl = dice_roll(dice, 2) == 0,
		.type = (enum pr_type)dice_roll(dice, 10),
		.key = dice_roll(dice, 10),
		.nexus = nexus_number(nexus),
	};

	change.registration_id = random_id(naive, dice, change.op);
	if (change.op == PR_CHANGE_RESERVE && change.type >= 7 && dice_roll(dice, 4) != 0)
		change.registration_id = 0;
	return change;
}

static void check_equal(const struct pr_state *state, const struct naive *naive)
{
	const struct pr_registration *registration = pr_state_first(state);

	ck_assert_ptr_null(pr_state_check(state));
	ck_assert_uint_eq(pr_state_count(state), naive->count);
	ck_assert_uint_eq(pr_state_next_id(state), naive->next_id);
	ck_assert_int_eq(pr_state_aptpl(state), naive->aptpl);
	ck_assert_int_eq(pr_state_reservation(state).type, naive->type);
	ck_assert_uint_eq(pr_state_reservation(state).holder_id, naive->holder_id);
	for (uint32_t i = 0; i < naive->count; i++) {
		ck_assert_ptr_nonnull(registration);
		ck_assert_uint_eq(registration->id, naive->registrations[i].id);
		ck_assert_uint_eq(registration->key, naive->registrations[i].key);
		ck_assert_ptr_eq(pr_state_by_id(state, registration->id), registration);
		registration = pr_state_next(state, registration);
	}
	ck_assert_ptr_null(registration);
	for (unsigned n = 0; n < NEXUSES; n++) {
		struct pr_nexus_id nexus = nexus_number(n);
		registration = pr_state_find(state, &nexus);
		int at = naive_find_nexus(naive, n);
		ck_assert_uint_eq(registration ? registration->id : 0,
				  at >= 0 ? naive->registrations[at].id : 0);
	}
}

START_TEST(random_changes_do_what_they_do_to_an_array)
{
	static const uint32_t capacities[] = {1, 2, 7, 32, NEXUSES};
	struct dice dice = dice_from_seed("random_changes_do_what_they_do_to_an_array");
	uint32_t capacity = capacities[_i];
	struct naive naive = {.capacity = capacity, .next_id = 1};
	struct pr_state *state =
		pr_state_init(calloc(1, pr_state_size(capacity)), capacity, dice.state);

	for (int i = 0; i < 5000; i++) {
		unsigned nexus = dice_roll(&dice, NEXUSES);
		struct pr_change change = random_change(&naive, &dice, nexus);
		ck_assert_int_eq(pr_state_apply(state, &change),
				 naive_apply(&naive, &change, nexus));
		check_equal(state, &naive);
	}
	free(state);
}
END_TEST

/* A journal that a disk has mangled: whatever comes of it, the state stays sound. */
START_TEST(mangled_changes_never_break_a_state)
{
	struct dice dice = dice_from_seed("mangled_changes_never_break_a_state");
	uint8_t bytes[8 * PR_CHANGE_ENCODED_MAX];
	unsigned applied = 0;

	for (int i = 0; i < 3000; i++) {
		struct naive naive = {.capacity = 6, .next_id = 1};
		struct pr_state *state = pr_state_init(calloc(1, pr_state_size(6)), 6, 1);
		struct byte_writer out = byte_writer_over(bytes, sizeof(bytes));
		for (int j = 0; j < 8; j++) {
			unsigned nexus = dice_roll(&dice, NEXUSES);
			struct pr_change change = random_change(&naive, &dice, nexus);
			if (naive_apply(&naive, &change, nexus))
				pr_change_encode(&change, &out);
		}
		for (unsigned flips = dice_roll(&dice, 4); flips > 0 && out.len > 0; flips--)
			bytes[dice_roll(&dice, (unsigned)out.len)] ^=
				(uint8_t)(1U << dice_roll(&dice, 8));
		size_t len = out.len > 0 && dice_roll(&dice, 4) == 0
				     ? dice_roll(&dice, (unsigned)out.len)
				     : out.len;
		applied += pr_state_apply_encoded(state, bytes, len);
		ck_assert_ptr_null(pr_state_check(state));
		free(state);
	}
	ck_assert_uint_gt(applied, 300);
	ck_assert_uint_lt(applied, 2900);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, random_changes_do_what_they_do_to_an_array, 0, 5);
	tcase_add_test(tcase, mangled_changes_never_break_a_state);
}

int main(void)
{
	return suite_run("state_random", fill);
}
