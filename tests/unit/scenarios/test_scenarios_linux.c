/*
 * The sheet's 8.7, second part: what Linux's PR ioctls put on the wire (6.2), byte for byte, and
 * what they make of the answers (6.3). A kernel that really sends them, and dm-multipath on top,
 * is what tests/linux adds.
 */
#include "tests/unit/scenarios/scene.h"

/* What the ioctl returns (6.3). */
enum {
	OK = 0,
	STS_RESERVATION_CONFLICT = 0x18,
	STS_IOERR = 2,
	MINUS_EINVAL = -22
};

static int returned(const struct fixture_result *result)
{
	if (result->status == SCSI_STATUS_GOOD)
		return OK;
	if (result->status == SCSI_STATUS_RESERVATION_CONFLICT)
		return STS_RESERVATION_CONFLICT;
	if (result->key == 5 && (result->asc == 0x24 || result->asc == 0x26))
		return MINUS_EINVAL;
	return STS_IOERR;
}

/* sd's pr_out: CDB and list as 6.2 gives them. */
static int sd_pr_out(struct scene *s, struct scsi_nexus *nexus, uint8_t sa, uint8_t type,
		     uint64_t key, uint64_t sa_key, uint8_t flags)
{
	const uint8_t cdb[16] = {0x5f, sa, type, 0, 0, 0, 0, 0, 0x18, 0};
	uint8_t list[24] = {0};

	put_be64(list, key);
	put_be64(list + 8, sa_key);
	list[20] = flags;
	return returned(fixture_do(
		s->f, nexus,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 16, .out = list, .out_len = 24}));
}

static int ioc_register(struct scene *s, struct scsi_nexus *nexus, uint64_t old_key,
			uint64_t new_key)
{
	return sd_pr_out(s, nexus, 0x00, 0, old_key, new_key, 1);
}

static int ioc_register_ignore(struct scene *s, struct scsi_nexus *nexus, uint64_t old_key,
			       uint64_t new_key)
{
	return sd_pr_out(s, nexus, 0x06, 0, old_key, new_key, 1);
}

static int ioc_reserve(struct scene *s, struct scsi_nexus *nexus, uint64_t key, uint8_t scsi_type)
{
	return sd_pr_out(s, nexus, 0x01, scsi_type, key, 0, 0);
}

static int ioc_release(struct scene *s, struct scsi_nexus *nexus, uint64_t key, uint8_t scsi_type)
{
	return sd_pr_out(s, nexus, 0x02, scsi_type, key, 0, 0);
}

static int ioc_preempt(struct scene *s, struct scsi_nexus *nexus, uint64_t old_key,
		       uint64_t new_key, uint8_t scsi_type)
{
	return sd_pr_out(s, nexus, 0x04, scsi_type, old_key, new_key, 0);
}

static const uint8_t pr_h_types[] = {1, 3, 5, 6, 7, 8}; /* of PR_WRITE_EXCLUSIVE = 1 and so on */

/* The list of the sheet's example, for abcd000000000001. */
START_TEST(scenario_136_linux_register_reserve_release)
{
	static const uint8_t cdb[16] = {0x5f, 0, 0, 0, 0, 0, 0, 0, 0x18, 0};
	static const uint8_t list[24] = {0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd, 0, 0,
					 0, 0, 0, 1, 0, 0, 0, 0, 0x01, 0,    0, 0};
	const uint64_t key = 0xabcd000000000001;
	struct scene s = scene_open();

	fixture_good(fixture_do(
		s.f, s.a,
		&(struct fixture_command){.cdb = cdb, .cdb_len = 16, .out = list, .out_len = 24}));
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(ioc_reserve(&s, s.a, key, pr_h_types[i]), OK);
		ck_assert_uint_eq(scene_type(&s), pr_h_types[i]);
		ck_assert_int_eq(ioc_release(&s, s.a, key, pr_h_types[i]), OK);
	}
	ck_assert(scene_ptpl_active(&s)); /* sd always sets APTPL */
	ck_assert_int_eq(ioc_register(&s, s.a, key, key), OK);
	ck_assert_int_eq(ioc_register(&s, s.a, key, 0), OK);
	ck_assert_uint_eq(scene_key_total(&s), 0);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_137_linux_register_ignoring_the_key)
{
	struct scene s = scene_open();

	ck_assert_int_eq(ioc_register_ignore(&s, s.a, 0, KA), OK);
	ck_assert_int_eq(ioc_register_ignore(&s, s.a, 0, KX), OK);
	ck_assert_uint_eq(scene_key_count(&s, KX), 1);
	ck_assert_uint_eq(scene_key_total(&s), 1);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_138_linux_preempt)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');

	ck_assert_int_eq(ioc_register(&s, s.a, 0, KA), OK);
	ck_assert_int_eq(ioc_register(&s, s.b, 0, KB), OK);
	ck_assert_int_eq(ioc_reserve(&s, s.a, KA, 6), OK);
	ck_assert_int_eq(ioc_preempt(&s, s.b, KB, KA, 6), OK);
	ck_assert(fixture_holds(s.f, &b));
	fixture_drain_unit_attentions(s.f, s.a);
	fixture_conflict(fixture_write(s.f, s.a, 0, 1, 0x55)); /* EBADE */

	/* nfsd of some kernels gives type 0 where it only removes a key. */
	ck_assert_int_eq(ioc_register(&s, s.c, 0, KC), OK);
	ck_assert_int_eq(ioc_preempt(&s, s.b, KB, KC, 0), OK);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_139_linux_all_registrants_types)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();

	ck_assert_int_eq(ioc_register(&s, s.a, 0, KA), OK);
	ck_assert_int_eq(ioc_register(&spc4, spc4.a, 0, KA), OK);
	for (unsigned i = 4; i < 6; i++) {
		ck_assert_int_eq(ioc_reserve(&s, s.a, KA, pr_h_types[i]), MINUS_EINVAL);
		ck_assert_int_eq(ioc_reserve(&spc4, spc4.a, KA, pr_h_types[i]), OK);
		ck_assert_int_eq(ioc_release(&spc4, spc4.a, KA, pr_h_types[i]), OK);
	}
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_140_linux_reserve_what_another_holds)
{
	struct scene s = scene_open();

	ck_assert_int_eq(ioc_register(&s, s.a, 0, KA), OK);
	ck_assert_int_eq(ioc_register(&s, s.b, 0, KB), OK);
	ck_assert_int_eq(ioc_reserve(&s, s.a, KA, 1), OK);
	ck_assert_int_eq(ioc_reserve(&s, s.b, KB, 1), STS_RESERVATION_CONFLICT);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_141_linux_read_keys_and_reservation)
{
	static const uint32_t rooms[] = {0, 1, 100};
	static const uint8_t read_reservation[16] = {0x5e, 1, 0, 0, 0, 0, 0, 0, 0x18};
	struct scene s = scene_open();

	scene_register(&s, s.a, KA);
	scene_register(&s, s.b, KB);
	scene_register(&s, s.c, KC);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t len = 8 * rooms[i] + 8;
		uint8_t cdb[16] = {0x5e};
		put_be16(cdb + 7, (uint16_t)len);
		const struct fixture_result *result = scene_do(&s, s.a, cdb, 0, len);
		fixture_good(result);
		ck_assert_uint_eq(get_be32(result->data + 4) / 8, 3);
		ck_assert_uint_eq(result->len, len < 32 ? len : 32);
		if (rooms[i] > 0)
			ck_assert_uint_eq(get_be64(result->data + 8), KA);
	}
	const struct fixture_result *result = scene_do(&s, s.a, read_reservation, 0, 24);
	fixture_good(result);
	ck_assert_uint_eq(get_be32(result->data + 4), 0);
	ck_assert_int_eq(ioc_reserve(&s, s.b, KB, 6), OK);
	result = scene_do(&s, s.a, read_reservation, 0, 24);
	fixture_good(result);
	ck_assert_uint_ge(get_be32(result->data + 4), 14);
	ck_assert_uint_eq(get_be64(result->data + 8), KB);
	ck_assert_uint_eq(result->data[21] & 0x0f, 6);
	scene_close(&s);
}
END_TEST

/* mpathpersist registers the same key on each path, and releases through the holder's path. */
START_TEST(scenario_142_multipath_with_two_portals)
{
	struct scene s = scene_open();
	struct scsi_nexus *path[2] = {s.a, fixture_login_port(s.f, 'a', 2)};

	fixture_drain_unit_attentions(s.f, path[1]);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(ioc_register_ignore(&s, path[i], 0, KA), OK);
	ck_assert_int_eq(ioc_reserve(&s, path[0], KA, 5), OK);
	for (unsigned i = 0; i < 2; i++)
		fixture_good(fixture_write(s.f, path[i], 0, 1, 0x55));
	fixture_conflict(fixture_write(s.f, s.b, 0, 1, 0x55));

	ck_assert_int_eq(ioc_release(&s, path[1], KA, 5), OK); /* not the holder's: no effect */
	ck_assert_uint_eq(scene_type(&s), 5);
	ck_assert_int_eq(ioc_release(&s, path[0], KA, 5), OK);
	ck_assert_uint_eq(scene_type(&s), 0);
	fixture_drain_unit_attentions(s.f, path[1]);
	ck_assert_int_eq(sd_pr_out(&s, path[1], 0x03, 0, KA, 0, 0), OK);
	ck_assert_uint_eq(scene_key_total(&s), 0);
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_136_linux_register_reserve_release);
	tcase_add_test(tcase, scenario_137_linux_register_ignoring_the_key);
	tcase_add_test(tcase, scenario_138_linux_preempt);
	tcase_add_test(tcase, scenario_139_linux_all_registrants_types);
	tcase_add_test(tcase, scenario_140_linux_reserve_what_another_holds);
	tcase_add_test(tcase, scenario_141_linux_read_keys_and_reservation);
	tcase_add_test(tcase, scenario_142_multipath_with_two_portals);
}

int main(void)
{
	return suite_run("scenarios: Linux", fill);
}
