/* The sheet's 8.5: REGISTER AND MOVE, and TransportIDs. */
#include "tests/unit/scenarios/scene.h"

#define UNREG	   0x02 /* byte 17 of REGISTER AND MOVE's parameter list */
#define MOVE_APTPL 0x01

START_TEST(scenario_090_move)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a'), b = scene_id('b');

	scene_hold(&s, s.a, KA, 3);
	fixture_good(scene_move(&s, s.a, KA, KB, 0, &b));
	ck_assert(fixture_holds(s.f, &b));
	ck_assert_uint_eq(fixture_key_of(s.f, &b), KB);
	ck_assert_uint_eq(fixture_key_of(s.f, &a), KA);
	ck_assert_uint_eq(scene_type(&s), 3);
	ck_assert_uint_eq(scene_generation(&s), 2);
	scene_quiet(&s, s.a);
	scene_quiet(&s, s.b);
	fixture_good(fixture_write(s.f, s.b, 0, 1, 0x55));
	fixture_conflict(fixture_write(s.f, s.a, 0, 1, 0x55));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_091_move_and_unregister)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a'), b = scene_id('b');

	scene_hold(&s, s.a, KA, 3);
	fixture_good(scene_move(&s, s.a, KA, KB, UNREG, &b));
	ck_assert(fixture_holds(s.f, &b));
	ck_assert_uint_eq(fixture_key_of(s.f, &a), 0);
	ck_assert_uint_eq(scene_key_total(&s), 1);
	ck_assert_uint_eq(scene_generation(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_092_move_replaces_the_key_of_a_registered_destination)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');

	scene_hold(&s, s.a, KA, 3);
	scene_register(&s, s.b, KB);
	fixture_good(scene_move(&s, s.a, KA, KX, 0, &b));
	ck_assert_uint_eq(fixture_key_of(s.f, &b), KX);
	ck_assert(fixture_holds(s.f, &b));
	ck_assert_uint_eq(scene_key_total(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_093_move_of_nothing)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');

	scene_register(&s, s.a, KA);
	scene_refused(&s, scene_move(&s, s.a, KA, KB, 0, &b), 5, 0x24, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_094_move_by_who_does_not_hold)
{
	struct scene s = scene_open();
	struct scene spc4 = scene_open_spc4();
	struct pr_nexus_id c = scene_id('c');

	scene_hold(&s, s.b, KB, 3);
	scene_conflict(&s, scene_move(&s, s.a, 0, KC, 0, &c));
	scene_register(&s, s.a, KA);
	scene_conflict(&s, scene_move(&s, s.a, KA, KC, 0, &c));
	scene_conflict(&s, scene_move(&s, s.b, KX, KC, 0, &c)); /* the holder, with a wrong key */

	/* What all registrants hold cannot be moved. */
	scene_hold(&spc4, spc4.a, KA, 7);
	scene_conflict(&spc4, scene_move(&spc4, spc4.a, KA, KC, 0, &c));
	scene_close(&s);
	scene_close(&spc4);
}
END_TEST

START_TEST(scenario_095_move_with_key_0)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');

	scene_hold(&s, s.a, KA, 3);
	scene_unchanged(&s, fixture_field(scene_move(&s, s.a, KA, 0, 0, &b), 5, 0x26, 0x00, 0x80,
					  0x00, 0x08));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_096_move_to_oneself)
{
	struct scene s = scene_open();
	struct pr_nexus_id a = scene_id('a');

	scene_hold(&s, s.a, KA, 3);
	scene_refused(&s, scene_move(&s, s.a, KA, KX, 0, &a), 5, 0x26, 0x00);
	/* It is the initiator port that is compared: another target port does not help. */
	a.relative_target_port_id = 2;
	scene_refused(&s, scene_move(&s, s.a, KA, KX, 0, &a), 5, 0x26, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_097_move_to_another_isid_of_the_same_name)
{
	struct scene s = scene_open();
	struct pr_nexus_id to = scene_id('a');

	to.isid[5] = 0x77;
	scene_hold(&s, s.a, KA, 3);
	fixture_good(scene_move(&s, s.a, KA, KX, 0, &to));
	ck_assert(fixture_holds(s.f, &to));
	scene_close(&s);
}
END_TEST

/* The example of the sheet's 1.5: bytes are given, not made. */
static const char transport_id_b[] = "\x45\x00\x00\x30"
				     "iqn.2026-01.test.holdfast:b,i,0x00023d000062\0\0\0\0";
#define ID_LEN	 52
#define NAME_LEN 27 /* iqn.2026-01.test.holdfast:b */

static uint32_t list_with(uint8_t list[128], const char *id, uint32_t id_len, uint16_t port)
{
	memset(list, 0, 128);
	put_be64(list, KA);
	put_be64(list + 8, KB);
	put_be16(list + 18, port);
	put_be32(list + 20, id_len);
	memcpy(list + 24, id, id_len);
	return 24 + id_len;
}

static const struct fixture_result *send_list(struct scene *s, const uint8_t *list, uint32_t len)
{
	return fixture_pr_out_list(s->f, s->a, PR_OUT_REGISTER_AND_MOVE, 0, list, len);
}

static void refused_id(struct scene *s, size_t at, int value)
{
	uint8_t list[128];
	uint32_t len = list_with(list, transport_id_b, ID_LEN, 1);

	list[24 + at] = (uint8_t)value;
	scene_refused(s, send_list(s, list, len), 5, 0x26, 0x00);
}

START_TEST(scenario_098_transport_ids_that_are_none)
{
	struct scene s = scene_open();
	uint8_t list[128];
	uint32_t len;

	ck_assert_uint_eq(sizeof(transport_id_b), ID_LEN + 1);
	scene_hold(&s, s.a, KA, 3);
	static const uint16_t ports[] = {0, 3, 0xffff};
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		len = list_with(list, transport_id_b, ID_LEN, ports[i]);
		scene_refused(&s, send_list(&s, list, len), 5, 0x26, 0x00);
	}
	refused_id(&s, 0, 0x46);			  /* protocol identifier */
	refused_id(&s, 0, 0x85);			  /* format 10b */
	refused_id(&s, 0, 0xc5);			  /* format 11b */
	refused_id(&s, 4 + NAME_LEN + 16, 0);		  /* 11 digits */
	refused_id(&s, 4 + NAME_LEN + 17, '0');		  /* 13 digits */
	refused_id(&s, 4 + NAME_LEN + 10, 'g');		  /* no digit */
	refused_id(&s, 4 + NAME_LEN + 2, '-');		  /* separator */
	refused_id(&s, 4 + NAME_LEN, 0);		  /* a NUL between name and separator */
	refused_id(&s, 3, 0x2c);			  /* ADDITIONAL LENGTH short of the end */
	refused_id(&s, 3, 0x34);			  /* and beyond it */
	len = list_with(list, transport_id_b, ID_LEN, 1); /* missing NUL */
	memset(list + 24 + 4 + NAME_LEN + 17, '0', 4);
	scene_refused(&s, send_list(&s, list, len), 5, 0x26, 0x00);

	/* Well formed, it is taken, whatever the case of its letters. */
	len = list_with(list, transport_id_b, ID_LEN, 1);
	list[28] = 'I';
	list[24 + 4 + NAME_LEN + 10] = 'D';
	fixture_good(send_list(&s, list, len));
	struct pr_nexus_id b = scene_id('b');
	ck_assert(fixture_holds(s.f, &b));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_099_transport_id_lengths_that_lie)
{
	static const uint32_t told[] = {0, 4, 20, 26, 48, 56, 0x7fffffff, 0xfffffffc, 0xffffffff};
	struct scene s = scene_open();
	uint8_t list[128];

	scene_hold(&s, s.a, KA, 3);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		uint32_t len = list_with(list, transport_id_b, ID_LEN, 1);
		put_be32(list + 20, told[i]);
		struct scene_state before = scene_state(&s);
		const struct fixture_result *result = send_list(&s, list, len);
		ck_assert_uint_eq(result->status, SCSI_STATUS_CHECK_CONDITION);
		ck_assert_uint_eq(result->key, 5);
		struct scene_state after = scene_state(&s);
		ck_assert_mem_eq(before.bytes, after.bytes, after.len);
	}
	/* The length agrees with the list, and is still wrong: 26 is no multiple of 4. */
	(void)list_with(list, transport_id_b, 26, 1);
	scene_refused(&s, send_list(&s, list, 50), 5, 0x26, 0x00);
	/* The list is too short to hold any TransportID. */
	(void)list_with(list, transport_id_b, 20, 1);
	scene_refused(&s, send_list(&s, list, 44), 5, 0x1a, 0x00);
	scene_refused(&s, send_list(&s, list, 24), 5, 0x1a, 0x00);
	scene_close(&s);
}
END_TEST

START_TEST(scenario_100_move_decides_ptpl_activated)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b'), a = scene_id('a');

	scene_hold(&s, s.a, KA, 3);
	ck_assert(!scene_ptpl_active(&s));
	fixture_good(scene_move(&s, s.a, KA, KB, MOVE_APTPL, &b));
	ck_assert(scene_ptpl_active(&s));
	fixture_good(scene_move(&s, s.b, KB, KA, UNREG, &a));
	ck_assert(!scene_ptpl_active(&s));
	scene_close(&s);
}
END_TEST

START_TEST(scenario_101_move_to_who_is_not_there_yet)
{
	struct scene s = scene_open();
	struct pr_nexus_id b = scene_id('b');

	fixture_logout(s.f, s.b);
	scene_hold(&s, s.a, KA, 3);
	fixture_good(scene_move(&s, s.a, KA, KB, UNREG, &b));
	fixture_conflict(fixture_write(s.f, s.a, 0, 1, 0x11));
	s.b = scene_login(&s, 'b');
	fixture_good(fixture_write(s.f, s.b, 0, 1, 0x55));
	scene_close(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, scenario_090_move);
	tcase_add_test(tcase, scenario_091_move_and_unregister);
	tcase_add_test(tcase, scenario_092_move_replaces_the_key_of_a_registered_destination);
	tcase_add_test(tcase, scenario_093_move_of_nothing);
	tcase_add_test(tcase, scenario_094_move_by_who_does_not_hold);
	tcase_add_test(tcase, scenario_095_move_with_key_0);
	tcase_add_test(tcase, scenario_096_move_to_oneself);
	tcase_add_test(tcase, scenario_097_move_to_another_isid_of_the_same_name);
	tcase_add_test(tcase, scenario_098_transport_ids_that_are_none);
	tcase_add_test(tcase, scenario_099_transport_id_lengths_that_lie);
	tcase_add_test(tcase, scenario_100_move_decides_ptpl_activated);
	tcase_add_test(tcase, scenario_101_move_to_who_is_not_there_yet);
}

int main(void)
{
	return suite_run("scenarios: REGISTER AND MOVE", fill);
}
