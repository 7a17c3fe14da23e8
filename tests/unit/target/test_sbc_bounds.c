/*
 * Every command that names blocks, against the same bounds: the end of the disk, the wraps of its
 * address and of its length, no blocks at all, more than it may move, a write-protected disk; with
 * blocks of 512 and of 4096 bytes, thin and fully provisioned.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "target/sbc.h"
#include "tests/support/suite.h"
#include "tests/unit/target/disk.h"

#define BLOCKS 300 /* more than six bytes can name, fewer than a byte of COMPARE AND WRITE */

enum data {
	NO_DATA = 0,
	DATA_IN,
	DATA_OUT,
	DATA_OUT_TWICE, /* to compare with, and to write */
	ONE_BLOCK_OUT,
};

enum limit {
	LIMIT_NONE = 0,
	LIMIT_TRANSFER,
	LIMIT_COMPARE_AND_WRITE,
	LIMIT_WRITE_SAME,
	LIMIT_ATOMIC,
};

struct row {
	uint8_t opcode;
	uint8_t byte_1;
	enum data data;
	enum limit limit;
	bool writes;
	bool zero_is_refused; /* no blocks */
};

static const struct row rows[] = {
	{0x28, 0x00, DATA_IN, LIMIT_TRANSFER, false, false},
	{0xa8, 0x00, DATA_IN, LIMIT_TRANSFER, false, false},
	{0x88, 0x00, DATA_IN, LIMIT_TRANSFER, false, false},
	{0x28, 0x18, DATA_IN, LIMIT_TRANSFER, false, false}, /* DPO, FUA */
	{0x2a, 0x00, DATA_OUT, LIMIT_TRANSFER, true, false},
	{0xaa, 0x00, DATA_OUT, LIMIT_TRANSFER, true, false},
	{0x8a, 0x18, DATA_OUT, LIMIT_TRANSFER, true, false},
	{0x2e, 0x00, DATA_OUT, LIMIT_TRANSFER, true, false}, /* WRITE AND VERIFY */
	{0xae, 0x02, DATA_OUT, LIMIT_TRANSFER, true, false},
	{0x8e, 0x12, DATA_OUT, LIMIT_TRANSFER, true, false},
	{0x2f, 0x00, NO_DATA, LIMIT_TRANSFER, false, false}, /* VERIFY */
	{0xaf, 0x10, NO_DATA, LIMIT_TRANSFER, false, false},
	{0x8f, 0x00, NO_DATA, LIMIT_TRANSFER, false, false},
	{0x2f, 0x02, DATA_OUT, LIMIT_TRANSFER, false, false},
	{0xaf, 0x02, DATA_OUT, LIMIT_TRANSFER, false, false},
	{0x8f, 0x02, DATA_OUT, LIMIT_TRANSFER, false, false},
	{0x2f, 0x06, ONE_BLOCK_OUT, LIMIT_TRANSFER, false, false},
	{0xaf, 0x06, ONE_BLOCK_OUT, LIMIT_TRANSFER, false, false},
	{0x8f, 0x06, ONE_BLOCK_OUT, LIMIT_TRANSFER, false, false},
	{0x34, 0x00, NO_DATA, LIMIT_NONE, false, false}, /* PRE-FETCH */
	{0x90, 0x02, NO_DATA, LIMIT_NONE, false, false},
	{0x35, 0x00, NO_DATA, LIMIT_NONE, false, false}, /* SYNCHRONIZE CACHE */
	{0x91, 0x02, NO_DATA, LIMIT_NONE, false, false},
	{0x41, 0x00, ONE_BLOCK_OUT, LIMIT_WRITE_SAME, true, true},
	{0x93, 0x00, ONE_BLOCK_OUT, LIMIT_WRITE_SAME, true, true},
	{0x93, 0x01, NO_DATA, LIMIT_WRITE_SAME, true, true}, /* NDOB */
	{0x89, 0x00, DATA_OUT_TWICE, LIMIT_COMPARE_AND_WRITE, true, false},
	{0x8b, 0x00, DATA_OUT, LIMIT_TRANSFER, true, false}, /* ORWRITE */
	{0x9c, 0x00, DATA_OUT, LIMIT_ATOMIC, true, false},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct fixture_config variants[] = {
	{.blocks = BLOCKS, .block_size = 512},
	{.blocks = BLOCKS, .block_size = 4096},
	{.blocks = BLOCKS, .block_size = 512, .thick = true},
	{.blocks = BLOCKS, .block_size = 4096, .thick = true},
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static struct fixture *f;
static struct scsi_nexus *a;

/* For each variant and each row. */
static void each(void (*check)(const struct row *row))
{
	for (size_t v = 0; v < VARIANTS; v++) {
		f = fixture_create(&variants[v]);
		a = fixture_login(f, 'a');
		for (size_t i = 0; i < ROWS; i++)
			check(&rows[i]);
		fixture_free(&f);
	}
}

static uint8_t length_bits(uint8_t opcode)
{
	static const uint8_t bits[8] = {8, 16, 16, 0, 32, 32, 0, 0};

	return opcode == 0x89 ? 8 : opcode == 0x9c ? 16 : bits[opcode >> 5];
}

static uint8_t address_bits(uint8_t opcode)
{
	return opcode >> 5 == 4 ? 64 : 32;
}

static size_t make_cdb(const struct row *row, uint64_t lba, uint32_t blocks, uint8_t cdb[16])
{
	memset(cdb, 0, 16);
	cdb[0] = row->opcode;
	cdb[1] = row->byte_1;
	switch (row->opcode >> 5) {
	case 1:
	case 2:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be16(cdb + 7, (uint16_t)blocks);
		return 10;
	case 5:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be32(cdb + 6, blocks);
		return 12;
	default:
		put_be64(cdb + 2, lba);
		put_be32(cdb + 10, blocks);
		return 16;
	}
}

static const struct fixture_result *run(const struct row *row, uint64_t lba, uint32_t blocks)
{
	uint32_t block = fixture_lun(f)->block_size;
	uint32_t moved = blocks > BLOCKS + 1 ? block : blocks * block; /* enough to be refused */
	uint8_t cdb[16];
	struct fixture_command command = {.cdb = cdb, .cdb_len = make_cdb(row, lba, blocks, cdb)};

	command.in_len = row->data == DATA_IN ? moved : 0;
	command.out_len = row->data == DATA_OUT		? moved
			  : row->data == DATA_OUT_TWICE ? 2 * moved
			  : row->data == ONE_BLOCK_OUT	? block
							: 0;
	return fixture_do(f, a, &command);
}

#define check_sense(row_, result_, key_, asc_)                                                    \
	do {                                                                                      \
		const struct fixture_result *s_ = (result_);                                      \
		ck_assert_msg(s_->status == SCSI_STATUS_CHECK_CONDITION && s_->key == (key_) &&   \
				      s_->asc == (asc_),                                          \
			      "%02x/%02x: status %02x, %s", (row_)->opcode, (row_)->byte_1,       \
			      (unsigned)s_->status, scsi_sense_name(s_->key, s_->asc, s_->ascq)); \
	} while (0)

#define check_good(row_, result_)                                                           \
	do {                                                                                \
		const struct fixture_result *g_ = (result_);                                \
		ck_assert_msg(g_->status == SCSI_STATUS_GOOD, "%02x/%02x: status %02x, %s", \
			      (row_)->opcode, (row_)->byte_1, (unsigned)g_->status,         \
			      scsi_sense_name(g_->key, g_->asc, g_->ascq));                 \
	} while (0)

static void check_end(const struct row *row)
{
	check_good(row, run(row, 0, 1));
	check_good(row, run(row, BLOCKS - 1, 1));
	check_sense(row, run(row, BLOCKS - 1, 2), 0x5, 0x21);
	check_sense(row, run(row, BLOCKS, 1), 0x5, 0x21);
	check_sense(row, run(row, 0, length_bits(row->opcode) == 8 ? 255 : BLOCKS + 1), 0x5,
		    length_bits(row->opcode) == 8 ? 0x24 : 0x21);
}

START_TEST(the_last_block_is_the_last_one)
{
	for (size_t v = 0; v < VARIANTS; v++) {
		f = fixture_create(&variants[v]);
		a = fixture_login(f, 'a');
		/* So that a byte of length can be too much. */
		fixture_lun(f)->config.transfer_max = 254 * 2 * fixture_lun(f)->block_size;
		for (size_t i = 0; i < ROWS; i++)
			check_end(&rows[i]);
		fixture_free(&f);
	}
}
END_TEST

static void check_wraps(const struct row *row)
{
	uint32_t most = length_bits(row->opcode) == 8	 ? 2
			: length_bits(row->opcode) == 16 ? UINT16_MAX
							 : UINT32_MAX;

	check_sense(row, run(row, UINT32_MAX, 1), 0x5, 0x21);
	check_sense(row, run(row, UINT32_MAX, 2), 0x5, 0x21);
	check_sense(row, run(row, BLOCKS - 1, most), 0x5, 0x21);
	if (address_bits(row->opcode) == 32)
		return;
	check_sense(row, run(row, UINT64_C(1) << 32, 1), 0x5, 0x21);
	check_sense(row, run(row, UINT64_MAX, 1), 0x5, 0x21);
	check_sense(row, run(row, UINT64_MAX, 2), 0x5, 0x21);
	check_sense(row, run(row, UINT64_MAX - most + 1, most), 0x5, 0x21);
	/* The byte offset would wrap, and be 0. */
	check_sense(row, run(row, UINT64_C(1) << (64 - fixture_lun(f)->block_shift), 1), 0x5, 0x21);
}

START_TEST(no_sum_wraps)
{
	each(check_wraps);
}
END_TEST

static void check_nothing(const struct row *row)
{
	if (row->zero_is_refused) {
		check_sense(row, run(row, 0, 0), 0x5, 0x24);
	} else {
		check_good(row, run(row, 0, 0));
		check_good(row, run(row, BLOCKS, 0));
	}
	check_sense(row, run(row, BLOCKS + 1, 0), 0x5, 0x21);
}

START_TEST(no_blocks_move_nothing)
{
	each(check_nothing);
}
END_TEST

static uint32_t limit_of(const struct row *row)
{
	const struct scsi_lun *lun = fixture_lun(f);

	switch (row->limit) {
	case LIMIT_TRANSFER:
		return sbc_transfer_max_blocks(lun);
	case LIMIT_COMPARE_AND_WRITE:
		return sbc_compare_and_write_max_blocks(lun);
	case LIMIT_WRITE_SAME:
		return sbc_write_same_max_blocks(lun);
	case LIMIT_ATOMIC:
		return sbc_atomic_max_blocks(lun);
	case LIMIT_NONE:
		break;
	}
	return 0;
}

static void check_limit(const struct row *row)
{
	uint32_t limit;

	fixture_lun(f)->config.transfer_max = 8 * fixture_lun(f)->block_size;
	limit = limit_of(row);
	if (limit == 0) {
		check_good(row, run(row, 0, 9));
		return;
	}
	check_good(row, run(row, 0, limit));
	check_sense(row, run(row, 0, limit + 1), 0x5, 0x24);
	/* At the very end the address is told first. */
	check_sense(row, run(row, BLOCKS - limit, limit + 1), 0x5, 0x21);
}

START_TEST(each_has_the_limit_that_block_limits_tells)
{
	each(check_limit);
}
END_TEST

static void check_protected(const struct row *row)
{
	fixture_lun(f)->config.read_only = true;
	if (row->writes)
		check_sense(row, run(row, 0, 1), 0x7, 0x27);
	else
		check_good(row, run(row, 0, 1));
	fixture_lun(f)->config.read_only = false;
	fixture_lun(f)->mode.software_write_protect = true;
	if (row->writes)
		check_sense(row, run(row, 0, 1), 0x7, 0x27);
	fixture_lun(f)->mode.software_write_protect = false;
}

START_TEST(what_writes_is_refused_on_a_write_protected_disk_and_nothing_else)
{
	each(check_protected);
}
END_TEST

static void check_absent(const struct row *row)
{
	fixture_lun(f)->stopped = true;
	check_sense(row, run(row, 0, 1), 0x2, 0x04);
	fixture_lun(f)->ejected = true;
	check_sense(row, run(row, 0, 1), 0x2, 0x3a);
	fixture_lun(f)->stopped = false;
	fixture_lun(f)->ejected = false;
}

START_TEST(none_of_them_works_without_a_medium)
{
	each(check_absent);
}
END_TEST

static void check_group_and_protection(const struct row *row)
{
	uint8_t cdb[16];
	size_t len = make_cdb(row, 0, 0, cdb);
	size_t group = len == 10 ? 6 : len == 12 ? 10 : 14;
	const struct fixture_command command = {.cdb = cdb, .cdb_len = len};

	cdb[group] = 0x20;
	disk_invalid_cdb(fixture_do(f, a, &command), (uint8_t)group, 5);
	cdb[group] = 0x1f;
	const struct fixture_result *result = fixture_do(f, a, &command);
	ck_assert(result->status == SCSI_STATUS_GOOD || result->field[2] != group);
	cdb[1] |= 0xe0;
	disk_invalid_cdb(fixture_do(f, a, &command), 1, 7);
}

START_TEST(any_group_will_do_and_no_protection)
{
	each(check_group_and_protection);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, the_last_block_is_the_last_one);
	tcase_add_test(tcase, no_sum_wraps);
	tcase_add_test(tcase, no_blocks_move_nothing);
	tcase_add_test(tcase, each_has_the_limit_that_block_limits_tells);
	tcase_add_test(tcase, what_writes_is_refused_on_a_write_protected_disk_and_nothing_else);
	tcase_add_test(tcase, none_of_them_works_without_a_medium);
	tcase_add_test(tcase, any_group_will_do_and_no_protection);
}

int main(void)
{
	return suite_run("target/sbc: bounds", fill);
}
