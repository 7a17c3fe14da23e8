#include "target/unit_attention.h"
#include "tests/support/suite.h"

START_TEST(an_empty_queue_has_nothing_to_take)
{
	struct scsi_ua_queue queue = {0};
	enum scsi_unit_attention ua = SCSI_UA_COUNT;

	ck_assert(!scsi_ua_take(&queue, &ua));
	ck_assert(!scsi_ua_first(&queue, &ua));
	ck_assert_int_eq(ua, SCSI_UA_COUNT);
}
END_TEST

static void expect(struct scsi_ua_queue *queue, const enum scsi_unit_attention *wanted,
		   size_t count)
{
	enum scsi_unit_attention ua;

	for (size_t i = 0; i < count; i++) {
		ck_assert(scsi_ua_take(queue, &ua));
		ck_assert_int_eq(ua, wanted[i]);
	}
	ck_assert(!scsi_ua_take(queue, &ua));
}

#define EXPECT(queue_, ...)                                               \
	expect((queue_), (const enum scsi_unit_attention[]){__VA_ARGS__}, \
	       sizeof((const enum scsi_unit_attention[]){__VA_ARGS__}) /  \
		       sizeof(enum scsi_unit_attention))

START_TEST(they_are_taken_in_the_order_in_which_they_came)
{
	struct scsi_ua_queue queue = {0};

	scsi_ua_raise(&queue, SCSI_UA_COMMANDS_CLEARED);
	scsi_ua_raise(&queue, SCSI_UA_RESERVATIONS_PREEMPTED);
	scsi_ua_raise(&queue, SCSI_UA_CAPACITY_CHANGED);
	EXPECT(&queue, SCSI_UA_COMMANDS_CLEARED, SCSI_UA_RESERVATIONS_PREEMPTED,
	       SCSI_UA_CAPACITY_CHANGED);
}
END_TEST

START_TEST(a_reset_goes_before_all_that_came_earlier)
{
	struct scsi_ua_queue queue = {0};

	scsi_ua_raise(&queue, SCSI_UA_COMMANDS_CLEARED);
	scsi_ua_raise(&queue, SCSI_UA_MODE_PARAMETERS_CHANGED);
	scsi_ua_raise(&queue, SCSI_UA_LOGICAL_UNIT_RESET);
	EXPECT(&queue, SCSI_UA_LOGICAL_UNIT_RESET, SCSI_UA_COMMANDS_CLEARED,
	       SCSI_UA_MODE_PARAMETERS_CHANGED);
}
END_TEST

/* Every pair of the 29h family, either way round. */
START_TEST(of_two_resets_the_one_of_higher_precedence_stays)
{
	for (unsigned i = SCSI_UA_POWER_ON; i <= SCSI_UA_NEXUS_LOSS; i++) {
		for (unsigned j = SCSI_UA_POWER_ON; j <= SCSI_UA_NEXUS_LOSS; j++) {
			struct scsi_ua_queue queue = {0};

			scsi_ua_raise(&queue, SCSI_UA_REPORTED_LUNS_CHANGED);
			scsi_ua_raise(&queue, (enum scsi_unit_attention)i);
			scsi_ua_raise(&queue, (enum scsi_unit_attention)j);
			EXPECT(&queue, (enum scsi_unit_attention)(i < j ? i : j),
			       SCSI_UA_REPORTED_LUNS_CHANGED);
		}
	}
}
END_TEST

START_TEST(all_of_them_at_once_find_room)
{
	struct scsi_ua_queue queue = {0};

	for (unsigned round = 0; round < 3; round++)
		for (unsigned ua = SCSI_UA_COUNT; ua-- > 0;)
			scsi_ua_raise(&queue, (enum scsi_unit_attention)ua);
	ck_assert_uint_eq(queue.count, SCSI_UA_COUNT - SCSI_UA_NEXUS_LOSS);
	ck_assert_uint_le(queue.count, SCSI_UA_QUEUE_MAX);
}
END_TEST

START_TEST(one_that_is_cleared_leaves_the_others_in_order)
{
	struct scsi_ua_queue queue = {0};

	scsi_ua_raise(&queue, SCSI_UA_CAPACITY_CHANGED);
	scsi_ua_raise(&queue, SCSI_UA_REPORTED_LUNS_CHANGED);
	scsi_ua_raise(&queue, SCSI_UA_INQUIRY_DATA_CHANGED);
	scsi_ua_clear(&queue, SCSI_UA_REPORTED_LUNS_CHANGED);
	scsi_ua_clear(&queue, SCSI_UA_REPORTED_LUNS_CHANGED);
	EXPECT(&queue, SCSI_UA_CAPACITY_CHANGED, SCSI_UA_INQUIRY_DATA_CHANGED);
}
END_TEST

START_TEST(raised_twice_it_is_taken_once)
{
	struct scsi_ua_queue queue = {0};
	enum scsi_unit_attention ua;

	scsi_ua_raise(&queue, SCSI_UA_NEXUS_LOSS);
	scsi_ua_raise(&queue, SCSI_UA_NEXUS_LOSS);
	ck_assert(scsi_ua_take(&queue, &ua));
	ck_assert(!scsi_ua_take(&queue, &ua));
}
END_TEST

START_TEST(looking_does_not_take)
{
	struct scsi_ua_queue queue = {0};
	enum scsi_unit_attention ua;

	scsi_ua_raise(&queue, SCSI_UA_CAPACITY_CHANGED);
	ck_assert(scsi_ua_first(&queue, &ua));
	ck_assert(scsi_ua_first(&queue, &ua));
	ck_assert_int_eq(ua, SCSI_UA_CAPACITY_CHANGED);
}
END_TEST

static unsigned code(enum scsi_unit_attention ua)
{
	uint8_t asc, ascq;

	scsi_ua_code(ua, &asc, &ascq);
	return (unsigned)asc << 8 | ascq;
}

START_TEST(codes_are_those_of_the_standard_and_all_different)
{
	ck_assert_uint_eq(code(SCSI_UA_RESERVATIONS_PREEMPTED), 0x2a03);
	ck_assert_uint_eq(code(SCSI_UA_RESERVATIONS_RELEASED), 0x2a04);
	ck_assert_uint_eq(code(SCSI_UA_REGISTRATIONS_PREEMPTED), 0x2a05);
	ck_assert_uint_eq(code(SCSI_UA_COMMANDS_CLEARED), 0x2f00);
	for (unsigned i = 0; i < SCSI_UA_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(code((enum scsi_unit_attention)i),
					  code((enum scsi_unit_attention)j));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, an_empty_queue_has_nothing_to_take);
	tcase_add_test(tcase, they_are_taken_in_the_order_in_which_they_came);
	tcase_add_test(tcase, a_reset_goes_before_all_that_came_earlier);
	tcase_add_test(tcase, of_two_resets_the_one_of_higher_precedence_stays);
	tcase_add_test(tcase, all_of_them_at_once_find_room);
	tcase_add_test(tcase, one_that_is_cleared_leaves_the_others_in_order);
	tcase_add_test(tcase, raised_twice_it_is_taken_once);
	tcase_add_test(tcase, looking_does_not_take);
	tcase_add_test(tcase, codes_are_those_of_the_standard_and_all_different);
}

int main(void)
{
	return suite_run("target/unit_attention", fill);
}
