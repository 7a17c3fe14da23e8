/* What somebody outside may ask about commands. */
#include <string.h>

#include "target/target.h"
#include "tests/support/suite.h"

START_TEST(each_command_has_a_name_and_an_opcode)
{
	uint8_t opcode = 0;
	size_t count = 0;
	bool found = false;

	for (const char *name; (name = target_command_name(count, &opcode)) != NULL; count++)
		found |= strcmp(name, "READ(16)") == 0 && opcode == 0x88;
	ck_assert(found);
	ck_assert_uint_gt(count, 50);
}
END_TEST

static const struct {
	uint8_t cdb[16];
	bool has;
	uint64_t lba;
	uint32_t blocks;
} cdbs[] = {
	{{0x08, 0x01, 0x02, 0x03, 0x00}, true, 0x10203, 256},
	{{0x28, 0, 0, 1, 2, 3, 0, 0, 9}, true, 0x10203, 9},
	{{0x2a, 0, 0, 0, 0, 7, 0, 1, 0}, true, 7, 256},
	{{0xa8, 0, 0, 0, 0, 7, 0, 0, 1, 0}, true, 7, 256},
	{{0x8a, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3}, true, 0x0100000000000002, 3},
	{{0x89, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1}, true, 2, 1},
	{{0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 4}, true, 2, 4}, /* a boundary of 8 */
	{{0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 1, 0}, true, 5, 1},
	{{0x9e, 0x10}, false, 0, 0},
	{{0x12}, false, 0, 0},
	{{0x42}, false, 0, 0},
	{{0x5e}, false, 0, 0},
};

START_TEST(blocks_are_where_the_cdb_has_them)
{
	for (size_t i = 0; i < sizeof(cdbs) / sizeof(cdbs[0]); i++) {
		uint64_t lba = 0;
		uint32_t blocks = 0;

		ck_assert(target_cdb_blocks(cdbs[i].cdb, &lba, &blocks) == cdbs[i].has);
		ck_assert_uint_eq(lba, cdbs[i].lba);
		ck_assert_uint_eq(blocks, cdbs[i].blocks);
	}
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, each_command_has_a_name_and_an_opcode);
	tcase_add_test(tcase, blocks_are_where_the_cdb_has_them);
}

int main(void)
{
	return suite_run("describe", fill);
}
