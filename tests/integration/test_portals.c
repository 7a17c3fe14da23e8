/*
 * Several portals, portal groups, targets and LUNs in one daemon: what discovery and the device
 * identification say about them; and whose disk is whose, over restarts and instances.
 */
#include "tests/integration/initiator.h"
#include "tests/support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "pr_engine/bytes.h"

#define PORTALS 4
#define CONFIG                                                                       \
	"portals = ( { address = \"127.0.0.1:0\"; group = 1; },\n"                   \
	"            { address = \"127.0.0.1:0\"; group = 1; },\n"                   \
	"            { address = \"127.0.0.1:0\"; group = 2; },\n"                   \
	"            { address = \"[::1]:0\"; group = 3; } );\n"                     \
	"targets = (\n"                                                              \
	"  { name = \"iqn.2026-11.test:everywhere\"; luns = (\n"                     \
	"      { number = 0; backing = \"memory\"; size = \"16M\"; },\n"             \
	"      { number = 5; backing = \"memory\"; size = \"32M\"; } ); },\n"        \
	"  { name = \"iqn.2026-11.test:second\"; portal_groups = [2, 3]; luns = (\n" \
	"      { backing = \"memory\"; size = \"64M\"; } ); } );\n"

/* A daemon that listens on PORTALS portals, each with a port of its own. */
struct house {
	struct daemon daemon;
	char portals[PORTALS][80];
};

static void house_start(struct house *house)
{
	daemon_start_configured(&house->daemon, NULL, CONFIG);
	json_t *ready = json_loads(house->daemon.ready_line, 0, NULL);
	json_t *portals = json_object_get(ready, "portals");
	ck_assert_uint_eq(json_array_size(portals), PORTALS);
	for (size_t i = 0; i < PORTALS; i++)
		snprintf(house->portals[i], sizeof(house->portals[i]), "%s",
			 json_string_value(json_array_get(portals, i)));
	json_decref(ready);
}

/* The same daemon as seen from another portal, by another target's name. */
static struct daemon seen_from(const struct house *house, int portal, const char *target)
{
	struct daemon daemon = house->daemon;

	strcpy(daemon.portal, house->portals[portal]);
	strcpy(daemon.target, target);
	return daemon;
}

/* ---- discovery ----------------------------------------------------------------------------------
 */

START_TEST(send_targets_lists_each_target_with_the_portals_that_reach_it)
{
	struct house house;
	char output[4096], url[128], line[256];
	house_start(&house);
	static const struct {
		const char *target;
		int portal, group;
		bool listed;
	} wanted[] = {
		{"iqn.2026-11.test:everywhere", 0, 1, true},
		{"iqn.2026-11.test:everywhere", 1, 1, true},
		{"iqn.2026-11.test:everywhere", 2, 2, true},
		{"iqn.2026-11.test:everywhere", 3, 3, true},
		{"iqn.2026-11.test:second", 0, 1, false},
		{"iqn.2026-11.test:second", 1, 1, false},
		{"iqn.2026-11.test:second", 2, 2, true},
		{"iqn.2026-11.test:second", 3, 3, true},
	};
	for (int from = 0; from < PORTALS; from++) {
		snprintf(url, sizeof(url), "iscsi://%s/", house.portals[from]);
		const char *const argv[] = {"/usr/bin/iscsi-ls", url, NULL};
		ck_assert_msg(program_run(argv, output, sizeof(output)) == 0, "%s", output);
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			snprintf(line, sizeof(line), "Target:%s Portal:%s,%d\n", wanted[i].target,
				 house.portals[wanted[i].portal], wanted[i].group);
			ck_assert_msg((strstr(output, line) != NULL) == wanted[i].listed,
				      "%s: %s%s", wanted[i].listed ? "missing" : "surplus", line,
				      output);
		}
	}
	daemon_finish(&house.daemon);
}
END_TEST

START_TEST(a_target_is_not_found_through_a_portal_group_that_is_not_its_own)
{
	struct house house;
	house_start(&house);
	for (int i = 0; i < PORTALS; i++) {
		struct daemon seen = seen_from(&house, i, "iqn.2026-11.test:second");
		struct login_options options = {.name = "iqn.2026-11.test:a", .isid = 1};
		struct iscsi_context *a = initiator_try_login(&seen, &options);
		ck_assert_msg((a != NULL) == (i >= 2), "portal %s", seen.portal);
		initiator_logout(&a);
	}
	daemon_finish(&house.daemon);
}
END_TEST

START_TEST(each_target_has_its_own_luns)
{
	struct house house;
	house_start(&house);
	static const uint8_t report_luns[12] = {[0] = 0xa0, [8] = 1};
	static const struct {
		const char *target;
		int count;
		uint8_t luns[2];
		uint32_t last_block[2];
	} wanted[] = {
		{"iqn.2026-11.test:everywhere", 2, {0, 5}, {32767, 65535}},
		{"iqn.2026-11.test:second", 1, {0}, {131071}},
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct daemon seen = seen_from(&house, 2, wanted[i].target);
		struct iscsi_context *a = initiator_login(&seen, "iqn.2026-11.test:a", 1);
		struct answer answer =
			initiator_command(a, 0, report_luns, sizeof(report_luns), NULL, 0, 256);
		ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
		ck_assert_uint_eq(get_be32(answer.data), (uint32_t)(8 * wanted[i].count));
		for (int k = 0; k < wanted[i].count; k++) {
			static const uint8_t read_capacity[10] = {0x25};
			uint8_t lun = wanted[i].luns[k];
			ck_assert_int_eq(answer.data[8 + 8 * k + 1], lun);
			initiator_drain(a, lun);
			struct answer size = initiator_command(a, lun, read_capacity,
							       sizeof(read_capacity), NULL, 0, 8);
			ck_assert_uint_eq(get_be32(size.data), wanted[i].last_block[k]);
		}
		initiator_logout(&a);
	}
	daemon_finish(&house.daemon);
}
END_TEST

/* ---- device identification ----------------------------------------------------------------------
 */

enum {
	ABOUT_LUN = 0,
	ABOUT_PORT = 1,
	ABOUT_TARGET = 2
};

struct identity {
	struct answer page;
	char serial[64];
};

static struct answer inquire(struct iscsi_context *a, int lun, uint8_t page)
{
	uint8_t inquiry[6] = {0x12, 1, page, 1, 0, 0};
	struct answer answer = initiator_command(a, lun, inquiry, sizeof(inquiry), NULL, 0, 256);

	ck_assert_int_eq(answer.status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(answer.data[1], page);
	ck_assert_int_eq(answer.data_len, get_be16(answer.data + 2) + 4);
	return answer;
}

static struct identity identify(const struct daemon *daemon, int lun)
{
	struct iscsi_context *a = initiator_login(daemon, "iqn.2026-11.test:a", 1);
	struct identity identity = {.page = inquire(a, lun, 0x83)};
	struct answer serial = inquire(a, lun, 0x80);

	ck_assert_int_lt(serial.data[3], (int)sizeof(identity.serial));
	memcpy(identity.serial, serial.data + 4, serial.data[3]);
	initiator_logout(&a);
	return identity;
}

/* The one designator of this association and type; its length in *ret_len. */
static const uint8_t *designator(const struct answer *page, int association, int type,
				 uint8_t *ret_len)
{
	const uint8_t *found = NULL;

	for (int at = 4; at + 4 <= page->data_len; at += 4 + page->data[at + 3]) {
		const uint8_t *head = page->data + at;
		if ((head[1] >> 4 & 3) != association || (head[1] & 0x0f) != type)
			continue;
		ck_assert_msg(!found, "two designators of association %d, type %d", association,
			      type);
		found = head + 4;
		*ret_len = head[3];
	}
	ck_assert_msg(found != NULL, "no designator of association %d, type %d", association, type);
	return found;
}

static void check_string(const struct answer *page, int association, const char *wanted)
{
	uint8_t len;
	const uint8_t *text = designator(page, association, 8, &len);

	/* NUL-terminated, and padded to a multiple of four. */
	ck_assert_uint_eq(len, (strlen(wanted) + 4) / 4 * 4);
	ck_assert_str_eq((const char *)text, wanted);
}

START_TEST(each_portal_group_is_a_target_port_of_its_own)
{
	static const int groups[PORTALS] = {1, 1, 2, 3};
	struct house house;
	char name[64];
	uint8_t len;
	house_start(&house);
	for (int i = 0; i < PORTALS; i++) {
		struct daemon seen = seen_from(&house, i, "iqn.2026-11.test:everywhere");
		struct identity identity = identify(&seen, 0);
		const uint8_t *port = designator(&identity.page, ABOUT_PORT, 4, &len);
		ck_assert_int_eq(len, 4);
		ck_assert_uint_eq(get_be32(port), (uint32_t)groups[i]);
		designator(&identity.page, ABOUT_PORT, 5, &len); /* target port group */
		snprintf(name, sizeof(name), "iqn.2026-11.test:everywhere,t,0x%04x", groups[i]);
		check_string(&identity.page, ABOUT_PORT, name);
		check_string(&identity.page, ABOUT_TARGET, "iqn.2026-11.test:everywhere");
	}
	daemon_finish(&house.daemon);
}
END_TEST

static void naa_of(const struct identity *identity, uint8_t ret_naa[8])
{
	uint8_t len;
	const uint8_t *naa = designator(&identity->page, ABOUT_LUN, 3, &len);

	ck_assert_int_eq(len, 8);
	ck_assert_int_eq(naa[0] >> 4, 3); /* locally assigned */
	memcpy(ret_naa, naa, 8);
}

START_TEST(a_lun_is_the_same_through_every_port_and_after_a_restart)
{
	struct house house;
	uint8_t naa[8], again[8];
	house_start(&house);
	struct daemon seen = seen_from(&house, 0, "iqn.2026-11.test:everywhere");
	struct identity first = identify(&seen, 5);
	naa_of(&first, naa);
	for (int i = 1; i < PORTALS; i++) {
		seen = seen_from(&house, i, "iqn.2026-11.test:everywhere");
		struct identity other = identify(&seen, 5);
		naa_of(&other, again);
		ck_assert_mem_eq(naa, again, sizeof(naa));
		ck_assert_str_eq(first.serial, other.serial);
	}
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			daemon_kill(&house.daemon);
		else
			ck_assert_int_eq(daemon_stop(&house.daemon), 0);
		daemon_restart(&house.daemon);
		seen = house.daemon;
		strcpy(seen.target, "iqn.2026-11.test:everywhere");
		struct identity after = identify(&seen, 5);
		ck_assert_int_eq(after.page.data_len, first.page.data_len);
		ck_assert_mem_eq(after.page.data, first.page.data, (size_t)first.page.data_len);
		ck_assert_str_eq(after.serial, first.serial);
	}
	daemon_finish(&house.daemon);
}
END_TEST

/* Two instances of one configuration, and the LUNs of one instance: multipath must tell them all
 * apart. */
START_TEST(no_two_luns_are_the_same)
{
	struct house houses[2];
	struct identity identities[6];
	uint8_t naas[6][8], len;
	int count = 0;
	for (int i = 0; i < 2; i++) {
		house_start(&houses[i]);
		struct daemon seen = seen_from(&houses[i], 3, "iqn.2026-11.test:everywhere");
		identities[count++] = identify(&seen, 0);
		identities[count++] = identify(&seen, 5);
		seen = seen_from(&houses[i], 3, "iqn.2026-11.test:second");
		identities[count++] = identify(&seen, 0);
	}
	for (int i = 0; i < count; i++) {
		uint8_t t10_len, other_len;
		const uint8_t *t10 = designator(&identities[i].page, ABOUT_LUN, 1, &t10_len);
		ck_assert_mem_eq(t10, "HOLDFAST", 8);
		naa_of(&identities[i], naas[i]);
		for (int k = 0; k < i; k++) {
			ck_assert_mem_ne(naas[i], naas[k], sizeof(naas[i]));
			ck_assert_str_ne(identities[i].serial, identities[k].serial);
			const uint8_t *other =
				designator(&identities[k].page, ABOUT_LUN, 1, &other_len);
			len = t10_len < other_len ? t10_len : other_len;
			ck_assert(t10_len != other_len || memcmp(t10, other, len) != 0);
		}
	}
	daemon_finish(&houses[0].daemon);
	daemon_finish(&houses[1].daemon);
}
END_TEST

/* ---- registrations belong to a port -------------------------------------------------------------
 */

START_TEST(a_registration_holds_for_the_port_it_was_made_through)
{
	struct house house;
	uint64_t keys[4];
	house_start(&house);
	struct daemon one = seen_from(&house, 0, "iqn.2026-11.test:everywhere");
	struct daemon same = seen_from(&house, 1, "iqn.2026-11.test:everywhere");
	struct daemon two = seen_from(&house, 3, "iqn.2026-11.test:everywhere");
	struct iscsi_context *a = initiator_login(&one, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 0, 0, 0, 0x11, false).status, 0);
	ck_assert_int_eq(initiator_pr_out(a, 0, 1, 1, 0x11, 0, false).status, 0);
	initiator_logout(&a);
	/* The other portal of the group leads to the same port, with the same ISID: the holder. */
	a = initiator_login(&same, "iqn.2026-11.test:a", 1);
	initiator_drain(a, 0);
	initiator_proves_service(a);
	/* The same initiator through another group is a stranger. */
	struct iscsi_context *b = initiator_login(&two, "iqn.2026-11.test:a", 1);
	initiator_drain(b, 0);
	uint8_t block[512] = {0};
	ck_assert_int_eq(initiator_write(b, 0, 0, block, 1).status,
			 SCSI_STATUS_RESERVATION_CONFLICT);
	ck_assert_int_eq(initiator_read_keys(b, 0, keys, 4), 1);
	initiator_logout(&a);
	initiator_logout(&b);
	daemon_finish(&house.daemon);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, send_targets_lists_each_target_with_the_portals_that_reach_it);
	tcase_add_test(tcase, a_target_is_not_found_through_a_portal_group_that_is_not_its_own);
	tcase_add_test(tcase, each_target_has_its_own_luns);
	tcase_add_test(tcase, each_portal_group_is_a_target_port_of_its_own);
	tcase_add_test(tcase, a_lun_is_the_same_through_every_port_and_after_a_restart);
	tcase_add_test(tcase, no_two_luns_are_the_same);
	tcase_add_test(tcase, a_registration_holds_for_the_port_it_was_made_through);
}

int main(void)
{
	return suite_run("integration/portals", fill);
}
