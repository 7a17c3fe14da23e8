/* The sheet's 8.4: what becomes of running commands under PREEMPT and PREEMPT AND ABORT. */
#include "tests/unit/scenarios/scene.h"

#define READS 4

static struct fixture_task *start_abort(struct scene *s, struct scsi_nexus *nexus, uint64_t key,
					uint64_t victim_key, unsigned type)
{
	struct fixture_task *task = fixture_start_pr_out(s->f, nexus, PR_OUT_PREEMPT_AND_ABORT,
							 (uint8_t)type, key, victim_key, 0, false);
	fixture_settle(s->f);
	return task;
}

static void good_now(struct fixture_task *task)
{
	fixture_good(fixture_result(task));
}

static struct scene scene_of(const struct pr_profile *profile, bool tas)
{
	return scene_open_with(&(struct fixture_config){.profile = profile, .tas = tas});
}

/* A holds 3, B is registered, and four reads of A hang at the disk. */
static struct scene with_slow_reads(bool tas, struct fixture_task *reads[READS])
{
	struct scene s = scene_of(NULL, tas);

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	s.f->disks[0].hold = true;
	for (uint32_t i = 0; i < READS; i++) {
		reads[i] = fixture_start_read(s.f, s.a, i);
		fixture_settle(s.f);
		ck_assert_int_eq(reads[i]->state, FIXTURE_RUNNING);
	}
	return s;
}

static void let_the_disk_go(struct scene *s)
{
	test_disk_release(&s->f->disks[0]);
	fixture_settle(s->f);
	s->f->disks[0].hold = false;
}

START_TEST(scenario_082_preempt_lets_running_commands_finish)
{
	struct fixture_task *reads[READS];
	struct scene s = with_slow_reads(false, reads);

	fixture_good(scene_out(&s, s.b, PR_OUT_PREEMPT, 3, KB, KA));
	let_the_disk_go(&s);
	for (unsigned i = 0; i < READS; i++)
		good_now(reads[i]);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_083_preempt_and_abort_answers_after_the_drain)
{
	struct fixture_task *reads[READS];
	struct scene s = with_slow_reads(false, reads);
	struct fixture_task *pa = start_abort(&s, s.b, KB, KA, 3);

	ck_assert_int_eq(pa->state, FIXTURE_RUNNING);
	let_the_disk_go(&s);
	good_now(pa);
	for (unsigned i = 0; i < READS; i++) {
		ck_assert_int_eq(reads[i]->state, FIXTURE_ABORTED);
		ck_assert(!reads[i]->send_status);
		ck_assert_uint_lt(reads[i]->order, pa->order);
	}
	scene_two_unit_attentions(&s, s.a, (const uint8_t[]){0x2f, 0x00},
				  (const uint8_t[]){0x2a, 0x03});
	scene_quiet(&s, s.a);
	scene_quiet(&s, s.b);
	scene_quiet(&s, s.c);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_084_preempt_and_abort_with_tas)
{
	struct fixture_task *reads[READS];
	struct scene s = with_slow_reads(true, reads);
	struct fixture_task *pa = start_abort(&s, s.b, KB, KA, 3);

	let_the_disk_go(&s);
	good_now(pa);
	for (unsigned i = 0; i < READS; i++) {
		ck_assert_int_eq(reads[i]->state, FIXTURE_ABORTED);
		ck_assert(reads[i]->send_status);
		ck_assert_uint_eq(reads[i]->result.status, SCSI_STATUS_TASK_ABORTED);
	}
	scene_unit_attention(&s, s.a, 0x2a, 0x03); /* and no 2F/00 */
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

/*
 * The device server lets a write that waits for its data go at once. That the transport then drops
 * the Data-Out that still comes, and moves its command window on, is tested on the wire.
 */
START_TEST(scenario_085_preempt_and_abort_drops_a_write_that_waits_for_data)
{
	struct scene s = scene_open();

	scene_hold(&s, s.a, KA, 3);
	fixture_good(fixture_write(s.f, s.a, 7, 1, 0x11));
	scene_register(&s, s.b, KB);
	struct fixture_task *write = fixture_start_write(s.f, s.a, 7, 0x99, true);
	ck_assert_int_eq(write->state, FIXTURE_WAITING);

	struct fixture_task *pa = start_abort(&s, s.b, KB, KA, 3);
	good_now(pa);
	ck_assert_int_eq(write->state, FIXTURE_ABORTED);
	const struct fixture_result *result = fixture_read(s.f, s.b, 7, 1);
	fixture_good(result);
	for (size_t i = 0; i < FIXTURE_BLOCK; i++)
		ck_assert_uint_eq(result->data[i], 0x11);
	/* The nexus lives on. */
	scene_two_unit_attentions(&s, s.a, (const uint8_t[]){0x2f, 0x00},
				  (const uint8_t[]){0x2a, 0x03});
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_086_preempt_and_abort_aborts_in_remove_only_mode_too)
{
	struct scene s = scene_open();
	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	scene_register(&s, s.c, KC);
	struct fixture_task *of_c = fixture_start_write(s.f, s.c, 3, 0x33, true);
	struct fixture_task *of_a = fixture_start_write(s.f, s.a, 4, 0x44, true);

	good_now(start_abort(&s, s.b, KB, KC, 5));
	ck_assert_int_eq(of_c->state, FIXTURE_ABORTED);
	ck_assert_int_eq(of_a->state, FIXTURE_WAITING);
	fixture_deliver(of_a);
	fixture_settle(s.f);
	good_now(of_a);
	ck_assert_uint_eq(scene_holder_key(&s), KA);
	scene_quiet(&s, s.a);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_087_preempt_and_abort_of_its_own_key)
{
	for (unsigned holder = 0; holder < 2; holder++) {
		struct scene s = scene_open();
		if (holder)
			scene_hold(&s, s.b, KB, 3);
		else
			scene_register(&s, s.b, KB);
		s.f->disks[0].hold = true;
		struct fixture_task *read = fixture_start_read(s.f, s.b, 0);
		fixture_settle(s.f);
		struct fixture_task *pa = start_abort(&s, s.b, KB, KB, 3);
		ck_assert_int_eq(pa->state, FIXTURE_RUNNING);
		let_the_disk_go(&s);
		ck_assert_int_eq(read->state, FIXTURE_ABORTED);
		good_now(pa);
		scene_close(&s);
	}
}
END_TEST

START_TEST(scenario_088_preempt_and_abort_cancels_prevent_removal)
{
	static const uint8_t prevent[16] = {0x1e, 0, 0, 0, 1};
	static const uint8_t eject[16] = {0x1b, 0, 0, 0, 0x02};
	struct scene s = scene_open_with(&(struct fixture_config){.removable = true});

	scene_hold(&s, s.a, KA, 5);
	scene_register(&s, s.b, KB);
	fixture_good(scene_do(&s, s.a, prevent, 0, 0));
	fixture_sense(scene_do(&s, s.b, eject, 0, 0), 5, 0x53, 0x02);
	good_now(start_abort(&s, s.b, KB, KA, 5));
	fixture_good(scene_do(&s, s.b, eject, 0, 0));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_089_a_drain_holds_nobody_else_up)
{
	struct scene s = scene_open_with(&(struct fixture_config){.luns = 2});
	struct scsi_nexus *victims[8];
	struct fixture_task *reads[8];

	scene_hold(&s, s.b, KB, 5);
	for (unsigned i = 0; i < 8; i++) {
		victims[i] = scene_login(&s, (char)('1' + i));
		scene_register(&s, victims[i], KA);
	}
	s.f->disks[0].hold = true;
	for (unsigned i = 0; i < 8; i++)
		reads[i] = fixture_start_read(s.f, victims[i], i);
	struct fixture_task *pa = start_abort(&s, s.b, KB, KA, 5);
	ck_assert_int_eq(pa->state, FIXTURE_RUNNING);

	/* Meanwhile: the other LU works, and this one answers what needs no disk. */
	s.f->lun = 1;
	fixture_drain_unit_attentions(s.f, s.c);
	fixture_good(fixture_write(s.f, s.c, 0, 1, 0x66));
	fixture_good(fixture_read(s.f, s.c, 0, 1));
	s.f->lun = 0;
	scene_quiet(&s, s.c);
	fixture_good(fixture_pr_in(s.f, s.c, PR_IN_READ_KEYS, 255));
	ck_assert_int_eq(pa->state, FIXTURE_RUNNING);

	let_the_disk_go(&s);
	good_now(pa);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(reads[i]->state, FIXTURE_ABORTED);
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_082_preempt_lets_running_commands_finish);
	tcase_add_test(tcase, scenario_083_preempt_and_abort_answers_after_the_drain);
	tcase_add_test(tcase, scenario_084_preempt_and_abort_with_tas);
	tcase_add_test(tcase, scenario_085_preempt_and_abort_drops_a_write_that_waits_for_data);
	tcase_add_test(tcase, scenario_086_preempt_and_abort_aborts_in_remove_only_mode_too);
	tcase_add_test(tcase, scenario_087_preempt_and_abort_of_its_own_key);
	tcase_add_test(tcase, scenario_088_preempt_and_abort_cancels_prevent_removal);
	tcase_add_test(tcase, scenario_089_a_drain_holds_nobody_else_up);
}

int main(void)
{
	return suite_run("scenarios: PREEMPT AND ABORT", fill);
}
