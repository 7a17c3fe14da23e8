/* INQUIRY: standard data and vital product data, byte by byte. */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

static struct fixture *f;
static struct scsi_nexus *a;

static void setup(void)
{
	f = fixture_create(NULL);
	a = fixture_login(f, 'a');
}

static void teardown(void)
{
	fixture_free(&f);
}

static const struct fixture_result *inquiry(uint8_t evpd, uint8_t page, uint16_t allocation_length)
{
	return FIXTURE_CDB(f, a, 4096, 0x12, evpd, page, (uint8_t)(allocation_length >> 8),
			   (uint8_t)allocation_length, 0);
}

static const struct fixture_result *vpd(uint8_t page)
{
	const struct fixture_result *result = inquiry(1, page, 4096);

	fixture_good(result);
	ck_assert_uint_ge(result->len, 4);
	ck_assert_uint_eq(result->data[0], 0x00);
	ck_assert_uint_eq(result->data[1], page);
	ck_assert_uint_eq(get_be16(result->data + 2), result->len - 4);
	return result;
}

START_TEST(standard_data_say_what_this_is)
{
	static const uint8_t begin[8] = {0x00, 0x00, 0x06, 0x12, 91, 0x38, 0x10, 0x02};
	static const uint8_t versions[10] = {0x00, 0xa0, 0x09, 0x60, 0x04,
					     0x60, 0x04, 0xc0, 0x00, 0x00};
	const struct fixture_result *result = inquiry(0, 0, 255);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 96);
	ck_assert_mem_eq(result->data, begin, sizeof(begin));
	ck_assert_mem_eq(result->data + 8, "HOLDFASTVIRTUAL DISK    0100", 28);
	ck_assert_mem_eq(result->data + 58, versions, sizeof(versions));
}
END_TEST

START_TEST(removable_and_a_single_port_show)
{
	fixture_lun(f)->config.removable = true;
	ck_assert_uint_eq(inquiry(0, 0, 96)->data[1], 0x80);
	f->target->config.port_count = 1;
	ck_assert_uint_eq(inquiry(0, 0, 96)->data[6], 0x00);
}
END_TEST

START_TEST(names_that_fill_their_field_have_no_terminator)
{
	struct scsi_lun_config *config = &fixture_lun(f)->config;

	strcpy(config->vendor, "ABCDEFGH");
	strcpy(config->product, "0123456789abcdef");
	strcpy(config->revision, "9");
	ck_assert_mem_eq(inquiry(0, 0, 96)->data + 8, "ABCDEFGH0123456789abcdef9   ", 28);
}
END_TEST

START_TEST(data_are_cut_to_the_allocation_length)
{
	const struct fixture_result *result = inquiry(0, 0, 5);

	fixture_good(result);
	ck_assert_uint_eq(result->len, 5);
	ck_assert_uint_eq(result->data[4], 91);
	result = inquiry(0, 0, 0);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 0);
}
END_TEST

START_TEST(a_page_without_evpd_is_refused)
{
	disk_invalid_cdb(inquiry(0, 0x83, 96), 2, -1);
}
END_TEST

START_TEST(an_unknown_page_is_refused)
{
	disk_invalid_cdb(inquiry(1, 0x84, 96), 2, -1);
}
END_TEST

START_TEST(every_page_that_is_listed_is_there)
{
	static const uint8_t expected[] = {0x00, 0x80, 0x83, 0x86, 0x87, 0x8f, 0xb0, 0xb1, 0xb2};
	const struct fixture_result *result = vpd(0x00);

	ck_assert_uint_eq(result->len, 4 + sizeof(expected));
	ck_assert_mem_eq(result->data + 4, expected, sizeof(expected));
	for (size_t i = 0; i < sizeof(expected); i++)
		vpd(expected[i]);
}
END_TEST

START_TEST(the_serial_number_is_the_luns)
{
	const struct fixture_result *result = vpd(0x80);
	const char *serial = scsi_lun_serial(fixture_lun(f));

	ck_assert_uint_eq(result->len, 4 + strlen(serial));
	ck_assert_mem_eq(result->data + 4, serial, strlen(serial));
}
END_TEST

/* The designator of this association and type; fails unless there is exactly one. */
static const uint8_t *designator(const struct fixture_result *result, uint8_t association,
				 uint8_t type)
{
	const uint8_t *found = NULL;
	size_t at = 4;

	while (at < result->len) {
		const uint8_t *d = result->data + at;

		if ((d[1] & 0x3f) == (association << 4 | type)) {
			ck_assert_ptr_null(found);
			found = d;
		}
		at += 4 + (size_t)d[3];
	}
	ck_assert_uint_eq(at, result->len);
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(the_lun_is_identified_by_naa_and_vendor)
{
	const struct fixture_result *result = vpd(0x83);
	const struct scsi_lun *lun = fixture_lun(f);
	const uint8_t *naa = designator(result, 0, 3);
	const uint8_t *vendor = designator(result, 0, 1);

	ck_assert_uint_eq(naa[0], 0x01);
	ck_assert_uint_eq(naa[1], 0x03);
	ck_assert_uint_eq(naa[3], 8);
	ck_assert_uint_eq(naa[4] >> 4, 3);
	ck_assert_mem_eq(naa + 4, lun->naa, 8);
	ck_assert_uint_eq(vendor[0], 0x02);
	ck_assert_uint_eq(vendor[3], 24 + strlen(lun->serial));
	ck_assert_mem_eq(vendor + 4, "HOLDFASTVIRTUAL DISK    ", 24);
	ck_assert_mem_eq(vendor + 28, lun->serial, strlen(lun->serial));
}
END_TEST

START_TEST(the_port_is_the_one_that_was_asked)
{
	static const uint8_t port_1[8] = {0x51, 0x94, 0, 4, 0, 0, 0, 1};
	static const uint8_t port_2[8] = {0x51, 0x94, 0, 4, 0, 0, 0, 2};
	static const uint8_t group_1[8] = {0x51, 0x95, 0, 4, 0, 0, 0, 1};
	static const uint8_t group_2[8] = {0x51, 0x95, 0, 4, 0, 0, 0, 2};
	const struct fixture_result *result = vpd(0x83);

	ck_assert_mem_eq(designator(result, 1, 4), port_1, 8);
	ck_assert_mem_eq(designator(result, 1, 5), group_1, 8);
	a = fixture_login_port(f, 'a', 2);
	result = vpd(0x83);
	ck_assert_mem_eq(designator(result, 1, 4), port_2, 8);
	ck_assert_mem_eq(designator(result, 1, 5), group_2, 8);
	ck_assert_str_eq((const char *)designator(result, 1, 8) + 4, FIXTURE_TARGET ",t,0x0002");
}
END_TEST

START_TEST(scsi_names_are_terminated_and_padded_to_four)
{
	const struct fixture_result *result = vpd(0x83);
	const uint8_t *port = designator(result, 1, 8);
	const uint8_t *device = designator(result, 2, 8);

	ck_assert_uint_eq(port[0], 0x53);
	ck_assert_uint_eq(port[1], 0x98);
	ck_assert_uint_eq(port[3] % 4, 0);
	ck_assert_uint_gt(port[3], strlen(FIXTURE_TARGET ",t,0x0001"));
	ck_assert_str_eq((const char *)port + 4, FIXTURE_TARGET ",t,0x0001");
	ck_assert_uint_eq(device[0], 0x53);
	ck_assert_uint_eq(device[1], 0xa8);
	ck_assert_uint_eq(device[3] % 4, 0);
	ck_assert_uint_gt(device[3], strlen(FIXTURE_TARGET));
	ck_assert_str_eq((const char *)device + 4, FIXTURE_TARGET);
}
END_TEST

START_TEST(the_longest_names_fit)
{
	struct scsi_lun *lun = fixture_lun(f);

	memset(f->target->name, 'n', PR_INITIATOR_NAME_MAX);
	f->target->name[PR_INITIATOR_NAME_MAX] = '\0';
	memset(lun->serial, 's', sizeof(lun->serial) - 1);
	const struct fixture_result *result = vpd(0x83);
	ck_assert_uint_eq(designator(result, 2, 8)[3], 224);
	ck_assert_uint_eq(designator(result, 1, 8)[3], 236);
}
END_TEST

START_TEST(extended_inquiry_tells_the_task_attributes)
{
	const struct fixture_result *result = vpd(0x86);

	ck_assert_uint_eq(result->len, 64);
	ck_assert_uint_eq(result->data[4], 0x00);
	ck_assert_uint_eq(result->data[5], 0x07);
	ck_assert_uint_eq(result->data[6], 0x01);
}
END_TEST

START_TEST(block_limits_are_the_handlers)
{
	fixture_lun(f)->config.transfer_max = 1024 * 1024;
	const struct fixture_result *result = vpd(0xb0);

	ck_assert_uint_eq(result->len, 64);
	ck_assert_uint_eq(result->data[4], 0x01);
	ck_assert_uint_eq(result->data[5], 255);
	ck_assert_uint_eq(get_be16(result->data + 6), 8);
	ck_assert_uint_eq(get_be32(result->data + 8), 2048);
	ck_assert_uint_eq(get_be32(result->data + 12), 2048);
	ck_assert_uint_eq(get_be32(result->data + 20), 1024 * 1024);
	ck_assert_uint_eq(get_be32(result->data + 24), 256);
	ck_assert_uint_eq(get_be32(result->data + 28), 8);
	ck_assert_uint_eq(get_be32(result->data + 32), 0x80000000);
	ck_assert_uint_eq(get_be64(result->data + 36), 2048);
}
END_TEST

START_TEST(a_fully_provisioned_lun_has_no_unmap_limits)
{
	static const uint8_t none[16] = {0};

	fixture_lun(f)->config.thin = false;
	ck_assert_mem_eq(vpd(0xb0)->data + 20, none, sizeof(none));
	ck_assert_mem_eq(vpd(0xb2)->data + 4, none, 4);
}
END_TEST

START_TEST(a_thin_lun_says_how_it_unmaps)
{
	static const uint8_t thin[8] = {0x00, 0xb2, 0, 4, 0, 0xe4, 0x02, 0};
	const struct fixture_result *result = vpd(0xb2);

	ck_assert_uint_eq(result->len, 8);
	ck_assert_mem_eq(result->data, thin, 8);
}
END_TEST

START_TEST(the_disk_does_not_rotate)
{
	const struct fixture_result *result = vpd(0xb1);

	ck_assert_uint_eq(result->len, 64);
	ck_assert_uint_eq(get_be16(result->data + 4), 1);
}
END_TEST

START_TEST(an_absent_lun_says_so)
{
	f->lun = 9;
	const struct fixture_result *result = inquiry(0, 0, 96);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 96);
	ck_assert_uint_eq(result->data[0], 0x7f);
	result = inquiry(1, 0x00, 96);
	fixture_good(result);
	ck_assert_uint_eq(result->len, 5);
	ck_assert_uint_eq(result->data[0], 0x7f);
	ck_assert_uint_eq(result->data[4], 0x00);
	disk_invalid_cdb(inquiry(1, 0x83, 96), 2, -1);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, standard_data_say_what_this_is);
	tcase_add_test(tcase, removable_and_a_single_port_show);
	tcase_add_test(tcase, names_that_fill_their_field_have_no_terminator);
	tcase_add_test(tcase, data_are_cut_to_the_allocation_length);
	tcase_add_test(tcase, a_page_without_evpd_is_refused);
	tcase_add_test(tcase, an_unknown_page_is_refused);
	tcase_add_test(tcase, every_page_that_is_listed_is_there);
	tcase_add_test(tcase, the_serial_number_is_the_luns);
	tcase_add_test(tcase, the_lun_is_identified_by_naa_and_vendor);
	tcase_add_test(tcase, the_port_is_the_one_that_was_asked);
	tcase_add_test(tcase, scsi_names_are_terminated_and_padded_to_four);
	tcase_add_test(tcase, the_longest_names_fit);
	tcase_add_test(tcase, extended_inquiry_tells_the_task_attributes);
	tcase_add_test(tcase, block_limits_are_the_handlers);
	tcase_add_test(tcase, a_fully_provisioned_lun_has_no_unmap_limits);
	tcase_add_test(tcase, a_thin_lun_says_how_it_unmaps);
	tcase_add_test(tcase, the_disk_does_not_rotate);
	tcase_add_test(tcase, an_absent_lun_says_so);
}

int main(void)
{
	return suite_run("target/inquiry", fill);
}
