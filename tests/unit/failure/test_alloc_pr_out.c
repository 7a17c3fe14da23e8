/*
 * No memory while a PERSISTENT RESERVE OUT is planned, journaled and installed: it ends with
 * INSUFFICIENT RESOURCES and the state is bit for bit what it was, or it ends with GOOD and the
 * state survives a restart.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/transport_id.h"
#include "tests/support/target_fixture.h"
#include "tests/unit/failure/inject.h"

#define LIST_MAX     1024
#define SNAPSHOT_MAX 8192
#define APTPL	     0x01
#define ALL_TG_PT    0x04
#define SPEC_I_PT    0x08

static struct action {
	const char *name; /* for inject_each */
	char who;	  /* sends it: a, b, c are registered with 0xa, 0xb, 0xc; d is not */
	enum pr_out_action action;
	uint8_t type;
	uint64_t key, service_action_key;
	uint8_t flags;
	bool released; /* a does not hold WRITE EXCLUSIVE - REGISTRANTS ONLY */
} const actions[] = {
	{"register", 'd', PR_OUT_REGISTER, 0, 0, 0xd, APTPL, false},
	{"register-all-target-ports", 'd', PR_OUT_REGISTER, 0, 0, 0xd, APTPL | ALL_TG_PT, false},
	{"register-initiator-ports", 'd', PR_OUT_REGISTER, 0, 0, 0xd, APTPL | SPEC_I_PT, false},
	{"register-another-key", 'b', PR_OUT_REGISTER, 0, 0xb, 0xbb, APTPL, false},
	{"register-the-same-key", 'b', PR_OUT_REGISTER, 0, 0xb, 0xb, APTPL, false},
	{"unregister", 'a', PR_OUT_REGISTER, 0, 0xa, 0, APTPL, false},
	{"persist-no-more", 'b', PR_OUT_REGISTER, 0, 0xb, 0xb, 0, false},
	{"register-and-ignore-existing-key", 'c', PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, 0, 0,
	 0xcc, APTPL, false},
	{"reserve", 'b', PR_OUT_RESERVE, 3, 0xb, 0, 0, true},
	{"release", 'a', PR_OUT_RELEASE, 5, 0xa, 0, 0, false},
	{"clear", 'b', PR_OUT_CLEAR, 0, 0xb, 0, 0, false},
	{"preempt", 'b', PR_OUT_PREEMPT, 3, 0xb, 0xa, 0, false},
	{"preempt-a-registrant", 'b', PR_OUT_PREEMPT, 0, 0xb, 0xc, 0, false},
	{"preempt-and-abort", 'b', PR_OUT_PREEMPT_AND_ABORT, 3, 0xb, 0xa, 0, false},
	{"register-and-move", 'a', PR_OUT_REGISTER_AND_MOVE, 0, 0xa, 0xdd, APTPL, false},
};

static const struct action *current;
/* The first batch after a restart writes the journal anew; others are appended. */
static bool is_restarted;

struct scene {
	struct fixture *f;
	struct scsi_nexus *nexus[4]; /* a, b, c, d */
	struct fixture_task *write;  /* of a, under way */
};

struct snapshot {
	uint8_t bytes[SNAPSHOT_MAX];
	size_t len;
	uint32_t generation;
};

static void snapshot_take(struct fixture *f, struct snapshot *ret_snapshot)
{
	const struct pr_state *state = scsi_lun_pr_state(fixture_lun(f));
	struct byte_writer out = byte_writer_over(ret_snapshot->bytes, SNAPSHOT_MAX);

	pr_state_snapshot(state, &out);
	ck_assert(!out.overflow);
	ret_snapshot->len = out.len;
	ret_snapshot->generation = pr_state_generation(state);
}

static bool snapshot_equal(const struct snapshot *a, const struct snapshot *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void login_all(struct scene *scene)
{
	for (char who = 'a'; who <= 'd'; who++)
		scene->nexus[who - 'a'] = fixture_login(scene->f, who);
}

static void scene_open(struct scene *scene)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.profile = &pr_profile_spc4});

	*scene = (struct scene){.f = f};
	login_all(scene);
	for (unsigned i = 0; i < 3; i++)
		fixture_good(
			fixture_pr_out(f, scene->nexus[i], PR_OUT_REGISTER, 0, 0, 0xa + i, APTPL));
	if (!current->released)
		fixture_good(fixture_pr_out(f, scene->nexus[0], PR_OUT_RESERVE, 5, 0xa, 0, 0));
	if (is_restarted) {
		ck_assert_int_eq(fixture_restart(f), 0);
		login_all(scene);
	}
	/* Something for PREEMPT AND ABORT to abort. */
	f->disks[0].hold = true;
	if (current->action == PR_OUT_PREEMPT_AND_ABORT)
		scene->write = fixture_start_write(f, scene->nexus[0], 7, 0x77, false);
}

static uint32_t list_build(uint8_t list[LIST_MAX])
{
	struct pr_nexus_id id = fixture_nexus_id('e', 1);

	memset(list, 0, LIST_MAX);
	if (current->action == PR_OUT_REGISTER_AND_MOVE)
		return fixture_move_list(list, current->key, current->service_action_key,
					 current->flags, &id);
	put_be64(list, current->key);
	put_be64(list + 8, current->service_action_key);
	list[20] = current->flags;
	if ((current->flags & SPEC_I_PT) == 0)
		return 24;
	uint32_t len = (uint32_t)transport_id_build(&id, list + 28);
	put_be32(list + 24, len);
	return 28 + len;
}

static struct fixture_task *send(struct scene *scene)
{
	uint8_t list[LIST_MAX];
	uint32_t len = list_build(list);
	uint8_t cdb[10] = {0x5f, (uint8_t)current->action, current->type};

	put_be32(cdb + 5, len);
	return fixture_start(
		scene->f, scene->nexus[current->who - 'a'],
		&(struct fixture_command){
			.cdb = cdb, .cdb_len = sizeof(cdb), .out = list, .out_len = len});
}

static const struct fixture_result *finish(struct scene *scene, struct fixture_task *task)
{
	fixture_settle(scene->f);
	test_disk_release(&scene->f->disks[0]);
	fixture_settle(scene->f);
	return fixture_result(task);
}

static void expect_resources(const struct fixture_result *result)
{
	fixture_sense(result, 5, 0x55, 0x03);
}

/* Nobody was told anything, and nothing was aborted. */
static void expect_nothing_happened(struct scene *scene, const struct snapshot *before)
{
	struct snapshot now;

	snapshot_take(scene->f, &now);
	ck_assert(snapshot_equal(before, &now));
	ck_assert_uint_eq(now.generation, before->generation);
	fixture_check(scene->f);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(fixture_drain_unit_attentions(scene->f, scene->nexus[i]), 0);
	if (scene->write)
		fixture_good(fixture_result(scene->write));
}

/* With APTPL = 1 the journal has it all, with 0 nothing. */
static void expect_survives(struct scene *scene)
{
	struct snapshot before, after;
	bool aptpl = pr_state_aptpl(scsi_lun_pr_state(fixture_lun(scene->f)));

	snapshot_take(scene->f, &before);
	ck_assert_int_eq(fixture_restart(scene->f), 0);
	snapshot_take(scene->f, &after);
	ck_assert_int_eq(snapshot_equal(&before, &after), aptpl);
	ck_assert(aptpl || fixture_registrations(scene->f) == 0);
}

static void one_action(void)
{
	struct snapshot before, after;
	struct scene scene;

	scene_open(&scene);
	for (unsigned i = 0; i < 4; i++)
		fixture_drain_unit_attentions(scene.f, scene.nexus[i]);
	snapshot_take(scene.f, &before);
	inject_on();
	struct fixture_task *task = send(&scene);
	fixture_settle(scene.f);
	bool failed = inject_off();
	const struct fixture_result *result = finish(&scene, task);
	if (failed && result->status != SCSI_STATUS_GOOD) {
		expect_resources(result);
		expect_nothing_happened(&scene, &before);
		result = finish(&scene, send(&scene));
	}
	fixture_good(result);
	snapshot_take(scene.f, &after);
	ck_assert(after.generation != before.generation || !snapshot_equal(&before, &after));
	fixture_check(scene.f);
	expect_survives(&scene);
	fixture_free(&scene.f);
}

START_TEST(action_takes_effect_and_survives_or_leaves_no_trace)
{
	current = &actions[_i / 2];
	is_restarted = _i % 2 == 1;
	inject_each(current->name, one_action);
}
END_TEST

/* ---- several at once, which share one batch ---- */

#define CROWD 6

static void crowd(void)
{
	struct fixture *f = fixture_create(NULL);
	struct fixture_task *tasks[CROWD];
	struct scsi_nexus *nexus[CROWD];
	unsigned good = 0;

	for (unsigned i = 0; i < CROWD; i++)
		nexus[i] = fixture_login(f, (char)('a' + i));
	inject_on();
	for (unsigned i = 0; i < CROWD; i++)
		tasks[i] = fixture_start_pr_out(f, nexus[i], PR_OUT_REGISTER, 0, 0, 0xa + i, APTPL,
						false);
	fixture_settle(f);
	(void)inject_off();
	for (unsigned i = 0; i < CROWD; i++) {
		struct pr_nexus_id id = fixture_nexus_id((char)('a' + i), 1);
		const struct fixture_result *result = fixture_result(tasks[i]);
		bool is_good = result->status == SCSI_STATUS_GOOD;
		if (!is_good)
			expect_resources(result);
		/* Each for itself: who was told GOOD is registered, and nobody else. */
		ck_assert_uint_eq(fixture_key_of(f, &id), is_good ? 0xa + i : 0);
		good += is_good;
	}
	ck_assert_uint_eq(fixture_registrations(f), good);
	ck_assert_uint_eq(fixture_generation(f), good);
	fixture_check(f);
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_uint_eq(fixture_registrations(f), good);
	fixture_free(&f);
}

START_TEST(one_of_a_batch_fails_alone)
{
	inject_each("crowd", crowd);
}
END_TEST

/* ---- after the failure the journal goes on ---- */

static void compaction(void)
{
	struct fixture *f = fixture_create(&(struct fixture_config){.registrations_max = 1});
	struct scsi_nexus *a = fixture_login(f, 'a');
	struct pr_nexus_id id = fixture_nexus_id('a', 1);
	uint64_t key = 1;

	fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, 0, key, APTPL));
	/* The file grows by some 150 bytes each time, and is rewritten behind 1 MiB. */
	while (f->stores[0].len < (1 << 20)) {
		fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, key, key + 1, APTPL));
		key++;
	}
	inject_on();
	const struct fixture_result *result =
		fixture_pr_out(f, a, PR_OUT_REGISTER, 0, key, key + 1, APTPL);
	if (inject_off() && result->status != SCSI_STATUS_GOOD) {
		expect_resources(result);
		ck_assert_uint_eq(fixture_key_of(f, &id), key);
		ck_assert_uint_ge(f->stores[0].len, 1 << 20);
		fixture_good(fixture_pr_out(f, a, PR_OUT_REGISTER, 0, key, key + 1, APTPL));
	}
	ck_assert_uint_lt(f->stores[0].len, 1 << 16);
	ck_assert_int_eq(fixture_restart(f), 0);
	ck_assert_uint_eq(fixture_key_of(f, &id), key + 1);
	fixture_free(&f);
}

START_TEST(compaction_can_wait)
{
	inject_each("compaction", compaction);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, action_takes_effect_and_survives_or_leaves_no_trace, 0,
			    2 * (int)(sizeof(actions) / sizeof(actions[0])));
	tcase_add_test(tcase, one_of_a_batch_fails_alone);
	tcase_add_test(tcase, compaction_can_wait);
}

int main(void)
{
	return suite_run("alloc_pr_out", fill);
}
