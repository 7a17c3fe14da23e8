#include <stdio.h>
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/state.h"
#include "tests/support/suite.h"

#define MANY 16384

static struct pr_state *state_open(uint32_t capacity)
{
	void *memory = calloc(1, pr_state_size(capacity));

	ck_assert_ptr_nonnull(memory);
	return pr_state_init(memory, capacity, UINT64_C(0x1234567890abcdef));
}

static struct pr_nexus_id nexus_number(unsigned n)
{
	struct pr_nexus_id nexus = {.relative_target_port_id = 1};

	snprintf(nexus.initiator_name, sizeof(nexus.initiator_name), "iqn.2020-01.test:%u", n / 2);
	nexus.isid[0] = (uint8_t)(n % 2);
	return nexus;
}

static struct pr_change add_change(const struct pr_state *state, unsigned n)
{
	return (struct pr_change){
		.op = PR_CHANGE_ADD,
		.registration_id = pr_state_next_id(state),
		.key = n + 1,
		.since = {.time_ms = n, .sequence = n},
		.nexus = nexus_number(n),
	};
}

static uint64_t add_number(struct pr_state *state, unsigned n)
{
	struct pr_change change = add_change(state, n);

	ck_assert(pr_state_apply(state, &change));
	return change.registration_id;
}

static bool apply(struct pr_state *state, enum pr_change_op op, uint64_t id)
{
	struct pr_change change = {.op = op, .registration_id = id};

	return pr_state_apply(state, &change);
}

static bool reserve(struct pr_state *state, unsigned type, uint64_t id)
{
	struct pr_change change = {
		.op = PR_CHANGE_RESERVE,
		.type = (enum pr_type)type,
		.registration_id = id,
		.since = {.time_ms = 11, .sequence = 12},
	};

	return pr_state_apply(state, &change);
}

/* ---- what a state is ---- */

START_TEST(an_impossible_capacity_has_no_size)
{
	ck_assert_uint_eq(pr_state_size(0), 0);
	ck_assert_uint_eq(pr_state_size(UINT32_MAX), 0);
	ck_assert_uint_eq(pr_state_size((UINT32_C(1) << 30) + 1), 0);
	ck_assert_uint_gt(pr_state_size(1), 0);
	ck_assert_uint_gt(pr_state_size(UINT32_C(1) << 30), UINT32_C(1) << 30);
}
END_TEST

START_TEST(a_new_state_is_empty)
{
	struct pr_state *state = state_open(4);
	struct pr_nexus_id nexus = nexus_number(0);

	ck_assert_uint_eq(pr_state_capacity(state), 4);
	ck_assert_uint_eq(pr_state_count(state), 0);
	ck_assert_uint_eq(pr_state_generation(state), 0);
	ck_assert(!pr_state_aptpl(state));
	ck_assert_int_eq(pr_state_reservation(state).type, PR_TYPE_NONE);
	ck_assert_uint_eq(pr_state_next_id(state), 1);
	ck_assert_ptr_null(pr_state_first(state));
	ck_assert_ptr_null(pr_state_find(state, &nexus));
	ck_assert_ptr_null(pr_state_by_id(state, 0));
	ck_assert_ptr_null(pr_state_by_id(state, 1));
	ck_assert_int_eq(pr_state_standing(state, &nexus), PR_STANDING_STRANGER);
	ck_assert_ptr_null(pr_state_check(state));
	free(state);
}
END_TEST

START_TEST(a_registration_keeps_everything_it_came_with)
{
	struct pr_state *state = state_open(4);
	struct pr_change change = add_change(state, 7);

	ck_assert(pr_state_apply(state, &change));
	const struct pr_registration *registration = pr_state_find(state, &change.nexus);
	ck_assert_ptr_nonnull(registration);
	ck_assert_ptr_eq(registration, pr_state_by_id(state, 1));
	ck_assert_ptr_eq(registration, pr_state_first(state));
	ck_assert_ptr_null(pr_state_next(state, registration));
	ck_assert_uint_eq(registration->id, 1);
	ck_assert_uint_eq(registration->key, 8);
	ck_assert_uint_eq(registration->since.time_ms, 7);
	ck_assert(pr_nexus_id_equal(&registration->nexus, &change.nexus));
	free(state);
}
END_TEST

START_TEST(ids_are_never_given_twice)
{
	struct pr_state *state = state_open(2);
	uint64_t first = add_number(state, 0);

	ck_assert(apply(state, PR_CHANGE_REMOVE, first));
	ck_assert_uint_gt(add_number(state, 0), first);
	ck_assert(apply(state, PR_CHANGE_REMOVE_ALL, 0));
	ck_assert_uint_eq(pr_state_next_id(state), 3);
	struct pr_change change = add_change(state, 0);
	change.registration_id = 2;
	ck_assert(!pr_state_apply(state, &change));
	free(state);
}
END_TEST

START_TEST(the_order_is_that_of_registration)
{
	struct pr_state *state = state_open(8);

	for (unsigned n = 0; n < 5; n++)
		add_number(state, n);
	ck_assert(apply(state, PR_CHANGE_REMOVE, 1));
	ck_assert(apply(state, PR_CHANGE_REMOVE, 3));
	add_number(state, 0);
	ck_assert(apply(state, PR_CHANGE_REMOVE, 5));
	static const uint64_t keys[] = {2, 4, 1};
	const struct pr_registration *registration = pr_state_first(state);
	for (size_t i = 0; i < 3; i++, registration = pr_state_next(state, registration))
		ck_assert_uint_eq(registration->key, keys[i]);
	ck_assert_ptr_null(registration);
	ck_assert_ptr_null(pr_state_check(state));
	free(state);
}
END_TEST

START_TEST(standing_follows_registration_and_reservation)
{
	struct pr_state *state = state_open(4);
	struct pr_nexus_id holder = nexus_number(0), other = nexus_number(1),
			   stranger = nexus_number(2);

	add_number(state, 0);
	add_number(state, 1);
	ck_assert_int_eq(pr_state_standing(state, &holder), PR_STANDING_REGISTRANT);
	ck_assert(reserve(state, 6, 1));
	ck_assert_int_eq(pr_state_standing(state, &holder), PR_STANDING_HOLDER);
	ck_assert_int_eq(pr_state_standing(state, &other), PR_STANDING_REGISTRANT);
	ck_assert_int_eq(pr_state_standing(state, &stranger), PR_STANDING_STRANGER);
	ck_assert(reserve(state, 8, 0));
	ck_assert_int_eq(pr_state_standing(state, &other), PR_STANDING_HOLDER);
	ck_assert_int_eq(pr_state_standing(state, &stranger), PR_STANDING_STRANGER);
	ck_assert(apply(state, PR_CHANGE_RELEASE, 0));
	ck_assert_int_eq(pr_state_standing(state, &other), PR_STANDING_REGISTRANT);
	free(state);
}
END_TEST

START_TEST(a_copy_is_equal_and_apart)
{
	struct pr_state *state = state_open(8), *copy = state_open(8);
	uint8_t bytes[4096], again[4096];
	struct byte_writer out = byte_writer_over(bytes, sizeof(bytes));
	struct byte_writer out_again = byte_writer_over(again, sizeof(again));

	for (unsigned n = 0; n < 6; n++)
		add_number(copy, n);
	add_number(state, 3);
	add_number(state, 4);
	ck_assert(apply(state, PR_CHANGE_REMOVE, 1));
	add_number(state, 5);
	add_number(state, 6);
	ck_assert(apply(state, PR_CHANGE_REMOVE, 3)); /* a gap before the last slot in use */
	ck_assert(reserve(state, 5, 2));
	pr_state_set_generation(state, 9);
	pr_state_copy(copy, state);
	ck_assert_ptr_null(pr_state_check(copy));
	pr_state_snapshot(state, &out);
	pr_state_snapshot(copy, &out_again);
	ck_assert_uint_eq(out.len, out_again.len);
	ck_assert_mem_eq(bytes, again, out.len);
	ck_assert_uint_eq(pr_state_generation(copy), 9);
	for (unsigned n = 10; n < 16; n++)
		add_number(copy, n);
	ck_assert_ptr_null(pr_state_check(copy));
	ck_assert_uint_eq(pr_state_count(state), 2);
	free(state);
	free(copy);
}
END_TEST

START_TEST(memory_that_is_not_needed_is_not_touched)
{
	struct pr_state *state = state_open(MANY);
	const uint8_t *bytes = (const uint8_t *)state;
	size_t slots_end = MANY * sizeof(struct pr_registration);
	size_t used = 64 * 1024;

	for (unsigned n = 0; n < 100; n++) {
		ck_assert(apply(state, PR_CHANGE_REMOVE, add_number(state, n)));
		add_number(state, 1000 + n);
	}
	for (size_t at = used; at < slots_end; at++)
		ck_assert_uint_eq(bytes[at], 0);
	free(state);
}
END_TEST

/* ---- changes that make no sense ---- */

/* Refused, and nothing is different. */
static void check_refused(struct pr_state *state, const struct pr_change *change)
{
	uint8_t before[4096], after[4096];
	struct byte_writer out = byte_writer_over(before, sizeof(before));

	pr_state_snapshot(state, &out);
	size_t len = out.len;
	ck_assert(!pr_state_apply(state, change));
	ck_assert_ptr_null(pr_state_check(state));
	out = byte_writer_over(after, sizeof(after));
	pr_state_snapshot(state, &out);
	ck_assert_uint_eq(out.len, len);
	ck_assert_mem_eq(before, after, len);
}

/* 0 (id 1) and 1 (id 2) are registered, 0 holds `type`. */
static struct pr_state *state_with_two(unsigned type)
{
	struct pr_state *state = state_open(3);

	add_number(state, 0);
	add_number(state, 1);
	if (type != 0)
		ck_assert(reserve(state, type, type < 7 ? 1 : 0));
	return state;
}

START_TEST(add_refuses_what_cannot_be)
{
	struct pr_state *state = state_with_two(0);
	struct pr_change change = add_change(state, 1);

	check_refused(state, &change); /* that nexus again */
	change = add_change(state, 2);
	change.registration_id = 2;
	check_refused(state, &change);
	change.registration_id = 0;
	check_refused(state, &change);
	change.registration_id = UINT64_MAX;
	check_refused(state, &change);
	change = add_change(state, 2);
	change.key = 0;
	check_refused(state, &change);
	change = add_change(state, 2);
	change.nexus.relative_target_port_id = 0;
	check_refused(state, &change);
	change = add_change(state, 2);
	change.nexus.initiator_name[0] = '\0';
	check_refused(state, &change);
	memset(change.nexus.initiator_name, 'x', sizeof(change.nexus.initiator_name));
	check_refused(state, &change);
	add_number(state, 2);
	change = add_change(state, 3);
	check_refused(state, &change); /* no room */
	free(state);
}
END_TEST

START_TEST(remove_and_set_key_refuse_the_unknown)
{
	struct pr_state *state = state_with_two(0);

	check_refused(state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 3});
	check_refused(state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 0});
	check_refused(state,
		      &(struct pr_change){.op = PR_CHANGE_SET_KEY, .registration_id = 3, .key = 1});
	check_refused(state,
		      &(struct pr_change){.op = PR_CHANGE_SET_KEY, .registration_id = 1, .key = 0});
	free(state);
}
END_TEST

START_TEST(a_holder_is_not_removed)
{
	struct pr_state *state = state_with_two(5);

	check_refused(state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 1});
	ck_assert(apply(state, PR_CHANGE_REMOVE, 2));
	check_refused(state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 1});
	ck_assert(apply(state, PR_CHANGE_RELEASE, 0));
	ck_assert(apply(state, PR_CHANGE_REMOVE, 1));
	free(state);
}
END_TEST

START_TEST(the_last_of_all_registrants_is_not_removed)
{
	struct pr_state *state = state_with_two(7);

	ck_assert(apply(state, PR_CHANGE_REMOVE, 1));
	check_refused(state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 2});
	free(state);
}
END_TEST

START_TEST(reserve_refuses_what_cannot_be)
{
	struct pr_state *state = state_with_two(3);
	struct pr_change change = {.op = PR_CHANGE_RESERVE, .registration_id = 1};

	for (unsigned type = 0; type < 256; type++) {
		change.type = (enum pr_type)type;
		if (!pr_type_is_defined(type))
			check_refused(state, &change);
	}
	change.type = PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS; /* with a holder */
	check_refused(state, &change);
	change.type = PR_TYPE_EXCLUSIVE_ACCESS;
	change.registration_id = 0;
	check_refused(state, &change);
	change.registration_id = 3;
	check_refused(state, &change);
	change.registration_id = 1;
	change.scope = 1;
	check_refused(state, &change);
	free(state);
}
END_TEST

START_TEST(all_registrants_need_one)
{
	struct pr_state *state = state_open(2);

	ck_assert(!reserve(state, 7, 0));
	add_number(state, 0);
	ck_assert(reserve(state, 7, 0));
	free(state);
}
END_TEST

START_TEST(release_needs_a_reservation)
{
	struct pr_state *state = state_with_two(0);

	check_refused(state, &(struct pr_change){.op = PR_CHANGE_RELEASE});
	free(state);
}
END_TEST

START_TEST(the_next_id_never_goes_back)
{
	struct pr_state *state = state_with_two(0);

	check_refused(state, &(struct pr_change){.op = PR_CHANGE_NEXT_ID, .registration_id = 2});
	ck_assert(apply(state, PR_CHANGE_NEXT_ID, 3));
	ck_assert(apply(state, PR_CHANGE_NEXT_ID, 90));
	ck_assert_uint_eq(pr_state_next_id(state), 90);
	free(state);
}
END_TEST

START_TEST(an_invalid_operation_is_refused)
{
	struct pr_state *state = state_with_two(1);

	check_refused(state, &(struct pr_change){.op = PR_CHANGE_INVALID});
	check_refused(state, &(struct pr_change){.op = (enum pr_change_op)200});
	free(state);
}
END_TEST

START_TEST(remove_all_takes_the_reservation_and_leaves_aptpl)
{
	struct pr_state *state = state_with_two(7);
	struct pr_nexus_id nexus = nexus_number(0);

	ck_assert(pr_state_apply(state, &(struct pr_change){.op = PR_CHANGE_APTPL, .aptpl = true}));
	pr_state_set_generation(state, 5);
	ck_assert(apply(state, PR_CHANGE_REMOVE_ALL, 0));
	ck_assert_uint_eq(pr_state_count(state), 0);
	ck_assert_int_eq(pr_state_reservation(state).type, PR_TYPE_NONE);
	ck_assert_ptr_null(pr_state_find(state, &nexus));
	ck_assert(pr_state_aptpl(state));
	ck_assert_uint_eq(pr_state_generation(state), 5);
	ck_assert_ptr_null(pr_state_check(state));
	free(state);
}
END_TEST

START_TEST(encoded_changes_are_applied_to_the_last_or_refused)
{
	struct pr_state *state = state_open(2);
	uint8_t bytes[PR_CHANGE_ENCODED_MAX * 2];
	struct byte_writer out = byte_writer_over(bytes, sizeof(bytes));
	struct pr_change change = add_change(state, 0);

	pr_change_encode(&change, &out);
	pr_change_encode(&(struct pr_change){.op = PR_CHANGE_APTPL, .aptpl = true}, &out);
	ck_assert(pr_state_apply_encoded(state, bytes, out.len));
	ck_assert_uint_eq(pr_state_count(state), 1);
	ck_assert(pr_state_aptpl(state));
	ck_assert(pr_state_apply_encoded(state, NULL, 0));
	ck_assert(!pr_state_apply_encoded(state, bytes, out.len));
	ck_assert(!pr_state_apply_encoded(state, bytes, 1));
	ck_assert_ptr_null(pr_state_check(state));
	free(state);
}
END_TEST

/* ---- many ---- */

START_TEST(sixteen_thousand_come_and_go)
{
	struct pr_state *state = state_open(MANY);
	struct pr_nexus_id nexus;

	for (unsigned n = 0; n < MANY; n++)
		add_number(state, n);
	ck_assert_ptr_null(pr_state_check(state));
	struct pr_change one_more = add_change(state, MANY);
	ck_assert(!pr_state_apply(state, &one_more));
	for (unsigned n = 0; n < MANY; n++) {
		nexus = nexus_number(n);
		ck_assert_uint_eq(pr_state_find(state, &nexus)->id, n + 1);
		ck_assert_uint_eq(pr_state_by_id(state, n + 1)->key, n + 1);
	}
	for (unsigned n = 0; n < MANY; n += 2)
		ck_assert(apply(state, PR_CHANGE_REMOVE, n + 1));
	ck_assert_ptr_null(pr_state_check(state));
	for (unsigned n = 0; n < MANY; n++) {
		nexus = nexus_number(n);
		ck_assert_int_eq(pr_state_find(state, &nexus) != NULL, n % 2);
	}
	for (unsigned n = 0; n < MANY; n += 2)
		add_number(state, n);
	ck_assert_ptr_null(pr_state_check(state));
	ck_assert_uint_eq(pr_state_count(state), MANY);
	free(state);
}
END_TEST

START_TEST(a_capacity_of_one_works)
{
	struct pr_state *state = state_open(1);

	for (unsigned n = 0; n < 50; n++) {
		uint64_t id = add_number(state, n);
		struct pr_change change = add_change(state, n + 1);
		ck_assert(!pr_state_apply(state, &change));
		ck_assert_ptr_null(pr_state_check(state));
		ck_assert(apply(state, PR_CHANGE_REMOVE, id));
		ck_assert_ptr_null(pr_state_check(state));
	}
	free(state);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, an_impossible_capacity_has_no_size);
	tcase_add_test(tcase, a_new_state_is_empty);
	tcase_add_test(tcase, a_registration_keeps_everything_it_came_with);
	tcase_add_test(tcase, ids_are_never_given_twice);
	tcase_add_test(tcase, the_order_is_that_of_registration);
	tcase_add_test(tcase, standing_follows_registration_and_reservation);
	tcase_add_test(tcase, a_copy_is_equal_and_apart);
	tcase_add_test(tcase, memory_that_is_not_needed_is_not_touched);
	tcase_add_test(tcase, add_refuses_what_cannot_be);
	tcase_add_test(tcase, remove_and_set_key_refuse_the_unknown);
	tcase_add_test(tcase, a_holder_is_not_removed);
	tcase_add_test(tcase, the_last_of_all_registrants_is_not_removed);
	tcase_add_test(tcase, reserve_refuses_what_cannot_be);
	tcase_add_test(tcase, all_registrants_need_one);
	tcase_add_test(tcase, release_needs_a_reservation);
	tcase_add_test(tcase, the_next_id_never_goes_back);
	tcase_add_test(tcase, an_invalid_operation_is_refused);
	tcase_add_test(tcase, remove_all_takes_the_reservation_and_leaves_aptpl);
	tcase_add_test(tcase, encoded_changes_are_applied_to_the_last_or_refused);
	tcase_add_test(tcase, sixteen_thousand_come_and_go);
	tcase_add_test(tcase, a_capacity_of_one_works);
}

int main(void)
{
	return suite_run("state", fill);
}
