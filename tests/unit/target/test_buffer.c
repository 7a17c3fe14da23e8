/*
 * Buffers of commands: of any length, the small ones from a list, and given back to whatever list.
 */
#include <stdlib.h>
#include <string.h>

#include "target/buffer.h"
#include "tests/support/suite.h"

START_TEST(all_of_a_buffer_can_be_written)
{
	static const size_t lens[] = {0,
				      1,
				      512,
				      SCSI_BUFFER_KEPT_MAX / 2,
				      SCSI_BUFFER_KEPT_MAX - 1,
				      SCSI_BUFFER_KEPT_MAX,
				      SCSI_BUFFER_KEPT_MAX + 1,
				      1 << 20};
	struct spare_list list = {0};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *data = scsi_buffer_take(&list, lens[i]);
		ck_assert_ptr_nonnull(data);
		memset(data, 0xff, lens[i]);
		scsi_buffer_give(&list, data);
	}
	spare_clear(&list);
}
END_TEST

START_TEST(a_small_one_is_used_again_whatever_its_length)
{
	struct spare_list list = {0};
	uint8_t *first = scsi_buffer_take(&list, SCSI_BUFFER_KEPT_MAX - 512);

	scsi_buffer_give(&list, first);
	uint8_t *second = scsi_buffer_take(&list, SCSI_BUFFER_KEPT_MAX);
	if (SPARE_KEEPS)
		ck_assert_ptr_eq(first, second);
	memset(second, 0xff, SCSI_BUFFER_KEPT_MAX);
	scsi_buffer_give(&list, second);
	spare_clear(&list);
}
END_TEST

START_TEST(no_more_small_ones_than_the_limit_are_kept_and_no_long_ones)
{
	struct spare_list list = {0};
	uint8_t *data[SPARE_MAX + 3];

	for (unsigned i = 0; i < SPARE_MAX + 3; i++)
		data[i] = scsi_buffer_take(&list, SCSI_BUFFER_KEPT_MAX);
	for (unsigned i = 0; i < SPARE_MAX + 3; i++)
		scsi_buffer_give(&list, data[i]);
	ck_assert_uint_eq(list.count, SPARE_KEEPS ? SPARE_MAX : 0);
	scsi_buffer_give(&list, scsi_buffer_take(&list, SCSI_BUFFER_KEPT_MAX + 1));
	ck_assert_uint_eq(list.count, SPARE_KEEPS ? SPARE_MAX : 0);
	spare_clear(&list);
}
END_TEST

/* Data that one loop has read and another one has sent. */
START_TEST(it_may_be_given_to_another_list)
{
	struct spare_list from = {0}, to = {0};

	scsi_buffer_give(&to, scsi_buffer_take(&from, SCSI_BUFFER_KEPT_MAX));
	ck_assert_uint_eq(from.count, 0);
	ck_assert_uint_eq(to.count, SPARE_KEEPS);
	scsi_buffer_give(&to, scsi_buffer_take(&from, 16));
	ck_assert_uint_eq(to.count, SPARE_KEEPS);
	scsi_buffer_give(&to, NULL);
	spare_clear(&to);
}
END_TEST

START_TEST(what_no_memory_has_is_refused)
{
	struct spare_list list = {0};

	ck_assert_ptr_null(scsi_buffer_take(&list, SIZE_MAX));
	ck_assert_ptr_null(scsi_buffer_take(&list, SIZE_MAX - 8));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, all_of_a_buffer_can_be_written);
	tcase_add_test(tcase, a_small_one_is_used_again_whatever_its_length);
	tcase_add_test(tcase, no_more_small_ones_than_the_limit_are_kept_and_no_long_ones);
	tcase_add_test(tcase, it_may_be_given_to_another_list);
	tcase_add_test(tcase, what_no_memory_has_is_refused);
}

int main(void)
{
	return suite_run("target/buffer", fill);
}
