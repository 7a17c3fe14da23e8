#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/pr_engine/lu.h"

/* Writes `lu` down and makes another one of it. */
static struct lu *reborn(const struct lu *lu)
{
	struct lu *copy = lu_open_with_capacity(lu->profile, LU_CAPACITY);
	size_t max = pr_state_snapshot_max(lu->state);
	uint8_t *bytes = malloc(max);
	struct byte_writer out = byte_writer_over(bytes, max);

	pr_state_snapshot(lu->state, &out);
	ck_assert(!out.overflow);
	ck_assert(pr_state_apply_encoded(copy->state, bytes, out.len));
	ck_assert_ptr_null(pr_state_check(copy->state));
	free(bytes);
	return copy;
}

START_TEST(a_snapshot_tells_everything_but_the_generation)
{
	struct lu *lu = lu_open(&pr_profile_spc4, "ABC", 'B', (unsigned)_i);
	struct pr_request request = lu_request('D', PR_OUT_REGISTER, 0, lu_key('X'));
	struct pr_nexus_id nexus = lu_nexus('B');

	request.aptpl = true;
	ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	struct lu *copy = reborn(lu);
	ck_assert_str_eq(lu_show(copy), lu_show(lu));
	const struct pr_registration *before = pr_state_find(lu->state, &nexus);
	const struct pr_registration *after = pr_state_find(copy->state, &nexus);
	ck_assert_uint_eq(after->id, before->id);
	ck_assert_uint_eq(after->since.time_ms, before->since.time_ms);
	ck_assert_uint_eq(after->since.sequence, before->since.sequence);
	ck_assert_uint_eq(pr_state_reservation(copy->state).since.sequence,
			  pr_state_reservation(lu->state).since.sequence);
	ck_assert_uint_eq(pr_state_generation(copy->state), 0);
	lu_free(&copy);
	lu_free(&lu);
}
END_TEST

START_TEST(ids_stay_unique_over_a_snapshot)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "ABC", 0, 0);

	ck_assert_int_eq(lu_clear(lu, 'A'), PR_OUTCOME_GOOD);
	struct lu *copy = reborn(lu);
	ck_assert_uint_eq(pr_state_next_id(copy->state), pr_state_next_id(lu->state));
	ck_assert_uint_eq(pr_state_next_id(copy->state), 4);
	lu_free(&copy);
	lu_free(&lu);
}
END_TEST

START_TEST(an_empty_state_has_a_snapshot)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "", 0, 0);
	struct lu *copy = reborn(lu);

	ck_assert_str_eq(lu_show(copy), "");
	lu_free(&copy);
	lu_free(&lu);
}
END_TEST

START_TEST(the_longest_names_fit_the_bound)
{
	struct lu *lu = lu_open(&pr_profile_dlt_s4, "", 0, 0);
	struct pr_request request = lu_request('A', PR_OUT_REGISTER, 0, lu_key('A'));

	memset(request.nexus.initiator_name, 'x', PR_INITIATOR_NAME_MAX);
	for (uint8_t i = 0; i < LU_CAPACITY; i++) {
		request.nexus.isid[0] = i;
		ck_assert_int_eq(lu_send(lu, &request), PR_OUTCOME_GOOD);
	}
	struct lu *copy = reborn(lu);
	ck_assert_uint_eq(pr_state_count(copy->state), LU_CAPACITY);
	lu_free(&copy);
	lu_free(&lu);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_snapshot_tells_everything_but_the_generation, 5, 9);
	tcase_add_test(tcase, ids_stay_unique_over_a_snapshot);
	tcase_add_test(tcase, an_empty_state_has_a_snapshot);
	tcase_add_test(tcase, the_longest_names_fit_the_bound);
}

int main(void)
{
	return suite_run("snapshot", fill);
}
