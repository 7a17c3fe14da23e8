/* Each broken invariant is told: a state is broken by hand, one thing at a time. */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/state_internal.h"
#include "tests/support/suite.h"

static struct pr_state *state;

static void state_add(unsigned n)
{
	struct pr_change change = {
		.op = PR_CHANGE_ADD,
		.registration_id = pr_state_next_id(state),
		.key = n,
		.nexus = {.initiator_name = "iqn.2020-01.test:a",
			  .isid = {(uint8_t)n},
			  .relative_target_port_id = 1},
	};

	ck_assert(pr_state_apply(state, &change));
}

/* Three registrations, the second slot given back and not used again; id 1 holds type 5. */
static void setup(void)
{
	state = pr_state_init(calloc(1, pr_state_size(8)), 8, 3);
	for (unsigned n = 1; n <= 4; n++)
		state_add(n);
	ck_assert(pr_state_apply(
		state, &(struct pr_change){.op = PR_CHANGE_REMOVE, .registration_id = 2}));
	ck_assert(pr_state_apply(state, &(struct pr_change){.op = PR_CHANGE_RESERVE,
							    .type = (enum pr_type)5,
							    .registration_id = 1}));
	ck_assert_ptr_null(pr_state_check(state));
}

static void teardown(void)
{
	free(state);
	state = NULL;
}

#define ck_assert_broken(what) ck_assert_str_eq(pr_state_check(state), (what))

START_TEST(a_wrong_capacity_is_told)
{
	state->capacity = 0;
	ck_assert_broken("the capacity is impossible");
}
END_TEST

START_TEST(indices_of_a_wrong_size_are_told)
{
	state->index_mask = 7;
	ck_assert_broken("the indices have a wrong size");
	state->index_mask = 16;
	ck_assert_broken("the indices have a wrong size");
}
END_TEST

START_TEST(wrong_counts_are_told)
{
	state->touched = 9;
	ck_assert_broken("more slots were touched than there are");
	state->touched = 4;
	state->count = 5;
	ck_assert_broken("more registrations are counted than slots were touched");
	state->count = 2;
	ck_assert_broken("an index and the count disagree");
	state->count = 0;
	ck_assert_broken("the list's ends and the count disagree");
}
END_TEST

START_TEST(wrong_ends_of_the_list_are_told)
{
	state->last = 3;
	ck_assert_broken("the list does not end at its end");
	state->last = 5;
	ck_assert_broken("an end of the list lies outside the slots");
}
END_TEST

START_TEST(broken_links_are_told)
{
	state->slots[2].previous = 4;
	ck_assert_broken("the list's links disagree");
	state->slots[2].previous = 1;
	state->slots[2].next = 99;
	ck_assert_broken("a link of the list lies outside the slots");
	state->slots[2].next = 0;
	ck_assert_broken("the list is shorter than the count");
}
END_TEST

START_TEST(a_list_without_an_end_is_told)
{
	state->slots[3].next = 1;
	ck_assert_broken("the list is longer than the count");
}
END_TEST

START_TEST(bad_registrations_are_told)
{
	struct pr_registration *registration = &state->slots[2].registration;

	registration->key = 0;
	ck_assert_broken("a registration has key 0");
	registration->nexus.relative_target_port_id = 0;
	ck_assert_broken("a registration has no proper nexus");
}
END_TEST

START_TEST(bad_ids_are_told)
{
	state->next_id = 4;
	ck_assert_broken("a registration's id is not below the next one");
	state->next_id = 9;
	state->slots[2].registration.id = 5;
	ck_assert_broken("a registration is not found by its id");
	state->slots[2].registration.id = 1;
	ck_assert_broken("the registrations are not in the order of their ids");
}
END_TEST

START_TEST(a_nexus_that_is_there_twice_is_told)
{
	state->slots[2].registration.nexus = state->slots[0].registration.nexus;
	ck_assert_broken("a registration is not found by its nexus, or its nexus is there twice");
}
END_TEST

START_TEST(a_bad_index_entry_is_told)
{
	uint32_t *index = (void *)(state->slots + state->capacity);

	for (size_t place = 0; place <= state->index_mask; place++)
		if (index[place] == 3)
			index[place] = 8;
	ck_assert_broken("an index entry lies outside the slots");
}
END_TEST

START_TEST(lost_and_doubly_free_slots_are_told)
{
	state->free = 0;
	ck_assert_broken("slots were lost, or are free twice");
	state->free = 2;
	state->slots[1].next = 2;
	ck_assert_broken("slots were lost, or are free twice");
	state->slots[1].next = 0;
	state->free = 8;
	ck_assert_broken("a free slot lies outside the slots that were touched");
}
END_TEST

START_TEST(a_bad_reservation_is_told)
{
	state->reservation.holder_id = 2;
	ck_assert_broken("the reservation's holder is not registered");
	state->reservation.holder_id = 0;
	ck_assert_broken("the reservation's holder is not registered");
	state->reservation.holder_id = 1;
	state->reservation.type = (enum pr_type)7;
	ck_assert_broken("an all-registrants reservation names a holder");
	state->reservation.type = (enum pr_type)4;
	ck_assert_broken("the reservation has an undefined type or scope");
	state->reservation.type = (enum pr_type)5;
	state->reservation.scope = 1;
	ck_assert_broken("the reservation has an undefined type or scope");
	state->reservation.type = PR_TYPE_NONE;
	ck_assert_broken("there is no reservation, but something is left of one");
}
END_TEST

START_TEST(a_reservation_without_registrations_is_told)
{
	ck_assert(pr_state_apply(state, &(struct pr_change){.op = PR_CHANGE_REMOVE_ALL}));
	state->reservation.type = (enum pr_type)7;
	ck_assert_broken("there is a reservation without registrations");
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_wrong_capacity_is_told);
	tcase_add_test(tcase, indices_of_a_wrong_size_are_told);
	tcase_add_test(tcase, wrong_counts_are_told);
	tcase_add_test(tcase, wrong_ends_of_the_list_are_told);
	tcase_add_test(tcase, broken_links_are_told);
	tcase_add_test(tcase, a_list_without_an_end_is_told);
	tcase_add_test(tcase, bad_registrations_are_told);
	tcase_add_test(tcase, bad_ids_are_told);
	tcase_add_test(tcase, a_nexus_that_is_there_twice_is_told);
	tcase_add_test(tcase, a_bad_index_entry_is_told);
	tcase_add_test(tcase, lost_and_doubly_free_slots_are_told);
	tcase_add_test(tcase, a_bad_reservation_is_told);
	tcase_add_test(tcase, a_reservation_without_registrations_is_told);
}

int main(void)
{
	return suite_run("state_check", fill);
}
