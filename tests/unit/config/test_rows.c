/* The tables: sound in themselves, at one with the man page, the example and the libraries. */
#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

#include "config/rows.h"
#include "target/target.h"
#include "tests/unit/config/collect.h"
#include "transport/node.h"

#define MAN_PAGE "docs/man/holdfast.conf.5.scd"
#define EXAMPLE	 "docs/holdfast.conf.example"
#define PAGE_MAX (1 << 16)

/* The man page with runs of white space as one blank, and without the marks of its markup. */
static char *read_man_page(void)
{
	FILE *file = fopen(MAN_PAGE, "r");
	ck_assert_msg(file != NULL, "run this in the folder that has " MAN_PAGE);
	char *page = malloc(PAGE_MAX);
	ck_assert_ptr_nonnull(page);
	size_t len = 0;
	int c, previous = ' ';
	while ((c = fgetc(file)) != EOF && len < PAGE_MAX - 1) {
		if (c == '\n' || c == '\t')
			c = ' ';
		if (c == '"' || c == '\\' || (c == ' ' && previous == ' '))
			continue;
		page[len++] = (char)c;
		previous = c;
	}
	page[len] = '\0';
	fclose(file);
	return page;
}

static void strip_quotes(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		if (*from != '`')
			*to++ = *from;
	}
	*to = '\0';
}

static void assert_documented(const char *page, const struct config_row *row)
{
	char head[64], range[CONFIG_RANGE_TEXT_MAX], initial[CONFIG_INITIAL_TEXT_MAX], tail[512];

	config_row_describe_range(row, range);
	config_row_describe_initial(row, initial);
	strip_quotes(range);
	strip_quotes(initial);
	snprintf(head, sizeof(head), " *%s* %s", row->name, row->doc);
	snprintf(tail, sizeof(tail), "Range: %s. Default: %s.", range, initial);
	const char *at = strstr(page, head);
	ck_assert_msg(at != NULL, "%s has no entry `%s`", MAN_PAGE, head);
	const char *end = strstr(at, tail), *next = strstr(at + 2, " Range: ");
	ck_assert_msg(end != NULL && next + 1 == end, "%s, `%s`: no `%s`", MAN_PAGE, row->name,
		      tail);
}

START_TEST(test_every_setting_has_a_man_page_entry_with_range_and_default)
{
	char *page = read_man_page();
	const struct config_group *group = &config_groups[_i];
	for (size_t i = 0; i < group->count; i++)
		assert_documented(page, &group->rows[i]);
	free(page);
}
END_TEST

START_TEST(test_every_default_is_in_its_range)
{
	const struct config_group *group = &config_groups[_i];
	for (size_t i = 0; i < group->count; i++) {
		const struct config_row *row = &group->rows[i];
		ck_assert_msg(row->kind != CONFIG_KIND_INVALID && row->doc, "%s", row->name);
		ck_assert_msg(row->min <= row->max, "%s", row->name);
		if (row->kind == CONFIG_KIND_CHOICE)
			ck_assert_ptr_nonnull(
				config_choice_name(row->choices, (uint32_t)row->initial));
		if ((row->kind == CONFIG_KIND_NUMBER || row->kind == CONFIG_KIND_SIZE) &&
		    !row->initial_note)
			ck_assert_msg(row->initial >= row->min && row->initial <= row->max, "%s",
				      row->name);
		if (row->kind == CONFIG_KIND_NUMBER || row->kind == CONFIG_KIND_SIZE)
			ck_assert_msg(row->width == 8 || row->max >> (8 * row->width) == 0, "%s",
				      row->name);
		if (row->kind == CONFIG_KIND_TEXT)
			ck_assert_msg(row->max + 1 == row->width, "%s", row->name);
	}
}
END_TEST

START_TEST(test_no_group_has_a_setting_twice)
{
	const struct config_group *group = &config_groups[_i];
	for (size_t i = 0; i < group->count; i++)
		ck_assert_ptr_eq(config_group_find(group, group->rows[i].name), &group->rows[i]);
}
END_TEST

static void report_nothing(void *context, const char *problem)
{
	(void)context;
	ck_abort_msg("%s", problem);
}

static char *printed(const struct config *config)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	config_print(config, out);
	fclose(out);
	return text;
}

static void assert_prints_to_itself(struct config *config)
{
	char *first = printed(config);
	struct config *again = config_load_text(first, "/x.conf", report_nothing, NULL);
	char *second = printed(again);
	ck_assert_str_eq(first, second);
	config_free(&again);
	free(first);
	free(second);
}

START_TEST(test_what_is_printed_loads_to_the_same)
{
	struct config *config = collect_sound(
		"state_dir = \"/a \\\"b\\\"\\\\\"; targets = ({ portal_groups = [1];\n"
		"luns = ({ size = \"3M\"; path = \"/p\"; block_size = 4096; }, {}); },\n"
		"{ name = \"naa.0123456789abcdef\"; alias = \"x\"; });");
	assert_prints_to_itself(config);
	config_free(&config);
}
END_TEST

START_TEST(test_the_example_loads)
{
	struct config *config = config_load_file(EXAMPLE, report_nothing, NULL);
	ck_assert_ptr_nonnull(config);
	assert_prints_to_itself(config);
	config_free(&config);
}
END_TEST

#define SAME(a, b, field) ck_assert_msg((a).field == (b).field, "default of %s", #field)

START_TEST(test_the_limits_default_to_those_of_the_transport)
{
	struct config *config = collect_sound("");
	struct iscsi_limits limits;
	iscsi_limits_defaults(&limits);
	SAME(config->limits, limits, sessions_max);
	SAME(config->limits, limits, sessions_per_initiator_max);
	SAME(config->limits, limits, connections_max);
	SAME(config->limits, limits, logins_max);
	SAME(config->limits, limits, login_timeout_ms);
	SAME(config->limits, limits, login_pdus_max);
	SAME(config->limits, limits, login_text_max);
	SAME(config->limits, limits, command_window);
	SAME(config->limits, limits, immediate_max);
	SAME(config->limits, limits, nop_interval_ms);
	SAME(config->limits, limits, nop_timeout_ms);
	SAME(config->limits, limits, data_out_timeout_ms);
	SAME(config->limits, limits, recovery_ms);
	SAME(config->limits, limits, unacked_max);
	SAME(config->limits, limits, abort_wait_ms);
	SAME(config->limits, limits, send_stall_ms);
	SAME(config->limits, limits, session_data_max);
	SAME(config->limits, limits, session_read_max);
	SAME(config->limits, limits, data_max);
	SAME(config->limits, limits, poll_us);
	SAME(config->limits, limits, send_queue_max);
	SAME(config->limits, limits, rejects_max);
	config_free(&config);
}
END_TEST

START_TEST(test_the_policy_defaults_to_that_of_the_transport)
{
	struct config *config = collect_sound("");
	struct iscsi_policy policy;
	iscsi_policy_defaults(&policy);
	SAME(config->policy, policy, max_connections);
	SAME(config->policy, policy, initial_r2t);
	SAME(config->policy, policy, immediate_data);
	SAME(config->policy, policy, max_burst_len);
	SAME(config->policy, policy, first_burst_len);
	SAME(config->policy, policy, max_recv_data_segment_len);
	SAME(config->policy, policy, max_outstanding_r2t);
	SAME(config->policy, policy, data_pdu_in_order);
	SAME(config->policy, policy, data_sequence_in_order);
	SAME(config->policy, policy, error_recovery_level);
	SAME(config->policy, policy, default_time2wait);
	SAME(config->policy, policy, default_time2retain);
	SAME(config->policy, policy, header_digest_crc32c);
	SAME(config->policy, policy, data_digest_crc32c);
	SAME(config->policy, policy, chap_md5);
	SAME(config->policy, policy, chap_sha1);
	SAME(config->policy, policy, strict);
	config_free(&config);
}
END_TEST

START_TEST(test_a_lun_defaults_to_that_of_the_target)
{
	struct config *config = collect_sound("");
	const struct config_lun *lun = &config->targets[0].luns[0];
	struct scsi_lun_config wanted;
	scsi_lun_config_init(&wanted);
	SAME(*lun, wanted, block_size);
	SAME(*lun, wanted, physical_exponent);
	SAME(*lun, wanted, read_only);
	SAME(*lun, wanted, removable);
	SAME(*lun, wanted, thin);
	SAME(*lun, wanted, write_same_to_end);
	SAME(*lun, wanted, atomic_granularity);
	SAME(*lun, wanted, write_cache);
	SAME(*lun, wanted, tas);
	ck_assert_uint_eq(lun->max_registrations, wanted.registrations_max);
	ck_assert_uint_eq(lun->history, wanted.history_max);
	ck_assert_uint_eq(lun->max_transfer, wanted.transfer_max);
	ck_assert_str_eq(lun->vendor, wanted.vendor);
	ck_assert_str_eq(lun->product, wanted.product);
	ck_assert_str_eq(lun->revision, wanted.revision);
	ck_assert_str_eq(lun->serial, wanted.serial);
	ck_assert_str_eq(lun->profile, wanted.profile->name);
	config_free(&config);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_every_setting_has_a_man_page_entry_with_range_and_default,
			    0, CONFIG_GROUP_COUNT);
	tcase_add_loop_test(tcase, test_every_default_is_in_its_range, 0, CONFIG_GROUP_COUNT);
	tcase_add_loop_test(tcase, test_no_group_has_a_setting_twice, 0, CONFIG_GROUP_COUNT);
	tcase_add_test(tcase, test_what_is_printed_loads_to_the_same);
	tcase_add_test(tcase, test_the_example_loads);
	tcase_add_test(tcase, test_the_limits_default_to_those_of_the_transport);
	tcase_add_test(tcase, test_the_policy_defaults_to_that_of_the_transport);
	tcase_add_test(tcase, test_a_lun_defaults_to_that_of_the_target);
}

int main(void)
{
	return suite_run("config/rows", fill);
}
