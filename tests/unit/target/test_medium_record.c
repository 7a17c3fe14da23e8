/* What is remembered about a medium. */
#include <errno.h>
#include <string.h>

#include "target/medium_record.h"
#include "tests/support/suite.h"
#include "tests/support/target_parts.h"

static struct test_store store;
static struct medium_erase_record record;

static void setup(void)
{
	test_store_init(&store);
	record = (struct medium_erase_record){
		.medium = {.size = 1 << 20, .identity = 77},
		.operation = MEDIUM_OVERWRITE,
		.failed = true,
		.restricted = true,
		.invert = true,
		.passes = 31,
		.pass = 3,
		.at = 4096,
		.pattern_len = 3,
		.pattern = {'a', 'b', 'c'},
	};
}

static void teardown(void)
{
	test_store_clear(&store);
}

START_TEST(an_empty_store_is_an_idle_medium)
{
	ck_assert_int_eq(medium_erase_load(&store.store, &record), 0);
	ck_assert_int_eq(record.operation, MEDIUM_IDLE);
}
END_TEST

START_TEST(everything_comes_back)
{
	struct medium_erase_record loaded;

	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), 0);
	ck_assert_uint_eq(loaded.medium.size, record.medium.size);
	ck_assert_uint_eq(loaded.medium.identity, record.medium.identity);
	ck_assert_int_eq(loaded.operation, record.operation);
	ck_assert(loaded.failed && loaded.restricted && loaded.invert);
	ck_assert_uint_eq(loaded.passes, 31);
	ck_assert_uint_eq(loaded.pass, 3);
	ck_assert_uint_eq(loaded.at, 4096);
	ck_assert_uint_eq(loaded.pattern_len, 3);
	ck_assert_mem_eq(loaded.pattern, record.pattern, MEDIUM_PATTERN_MAX);
}
END_TEST

START_TEST(no_byte_can_change_unnoticed)
{
	struct medium_erase_record loaded;

	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	for (size_t i = 0; i < store.len; i++) {
		store.bytes[i] ^= 0x10;
		ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
		store.bytes[i] ^= 0x10;
	}
	store.len--;
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	const struct medium_erase_record good = record;
	struct medium_erase_record loaded;

	record.pass = record.passes;
	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
	record = good;
	record.at = record.medium.size + 1;
	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
	record = good;
	record.operation = MEDIUM_OPERATION_COUNT;
	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
	record = good;
	record.pattern_len = 0;
	ck_assert_int_eq(medium_erase_store(&store.store, &record), 0);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), -EILSEQ);
}
END_TEST

START_TEST(errors_of_the_store_are_passed_on)
{
	store.error = -EIO;
	ck_assert_int_eq(medium_erase_store(&store.store, &record), -EIO);
	ck_assert_int_eq(medium_intent_store(&store.store, &(struct medium_intent){.len = 1},
					     (const uint8_t *)"x"),
			 -EIO);
	ck_assert_int_eq(medium_intent_clear(&store.store), -EIO);
}
END_TEST

static const struct medium_intent intent = {
	.medium = {.size = 1 << 20, .identity = 77}, .offset = 8192, .len = 5};

static uint32_t loaded_len(uint8_t *data, size_t cap)
{
	struct medium_intent loaded;

	ck_assert_int_eq(medium_intent_load(&store.store, &loaded, data, cap), 0);
	if (loaded.len > 0) {
		ck_assert_uint_eq(loaded.offset, intent.offset);
		ck_assert_uint_eq(loaded.medium.size, intent.medium.size);
		ck_assert_uint_eq(loaded.medium.identity, intent.medium.identity);
	}
	return loaded.len;
}

START_TEST(an_intent_comes_back_until_it_is_cleared)
{
	struct medium_erase_record loaded;
	uint8_t data[8];

	ck_assert_uint_eq(loaded_len(data, sizeof(data)), 0);
	ck_assert_int_eq(medium_intent_store(&store.store, &intent, (const uint8_t *)"hello"), 0);
	ck_assert_uint_eq(loaded_len(data, sizeof(data)), 5);
	ck_assert_mem_eq(data, "hello", 5);
	ck_assert_int_eq(medium_erase_load(&store.store, &loaded), 0);
	ck_assert_int_eq(loaded.operation, MEDIUM_IDLE);
	ck_assert_int_eq(medium_intent_clear(&store.store), 0);
	ck_assert_uint_eq(loaded_len(data, sizeof(data)), 0);
}
END_TEST

START_TEST(an_intent_that_is_not_whole_is_none)
{
	uint8_t data[8];

	ck_assert_int_eq(medium_intent_store(&store.store, &intent, (const uint8_t *)"hello"), 0);
	ck_assert_uint_eq(loaded_len(data, 4), 0);
	for (size_t i = 8192; i < store.len; i++) {
		store.bytes[i] ^= 0x10;
		ck_assert_uint_eq(loaded_len(data, sizeof(data)), 0);
		store.bytes[i] ^= 0x10;
	}
	store.len--;
	ck_assert_uint_eq(loaded_len(data, sizeof(data)), 0);
	store.len = 8192 + 10;
	ck_assert_uint_eq(loaded_len(data, sizeof(data)), 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_empty_store_is_an_idle_medium);
	tcase_add_test(tcase, everything_comes_back);
	tcase_add_test(tcase, no_byte_can_change_unnoticed);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	tcase_add_test(tcase, errors_of_the_store_are_passed_on);
	tcase_add_test(tcase, an_intent_comes_back_until_it_is_cleared);
	tcase_add_test(tcase, an_intent_that_is_not_whole_is_none);
}

int main(void)
{
	return suite_run("target/medium_record", fill);
}
