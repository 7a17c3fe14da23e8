#include "tests/unit/target/disk.h"

#include <string.h>

#include "pr_engine/bytes.h"

const struct fixture_result *disk_out(struct fixture *fixture, struct scsi_nexus *nexus,
				      const void *out, uint32_t out_len, const uint8_t *cdb,
				      size_t cdb_len)
{
	return fixture_do(fixture, nexus,
			  &(struct fixture_command){
				  .cdb = cdb, .cdb_len = cdb_len, .out = out, .out_len = out_len});
}

void disk_fill(struct fixture *fixture, uint32_t lba, uint32_t blocks, uint8_t fill)
{
	memset(fixture->disks[0].bytes + (size_t)lba * FIXTURE_BLOCK, fill,
	       (size_t)blocks * FIXTURE_BLOCK);
}

bool disk_is(const struct fixture *fixture, uint32_t lba, uint32_t blocks, uint8_t fill)
{
	const uint8_t *bytes = fixture->disks[0].bytes + (size_t)lba * FIXTURE_BLOCK;

	for (size_t i = 0; i < (size_t)blocks * FIXTURE_BLOCK; i++) {
		if (bytes[i] != fill)
			return false;
	}
	return true;
}

uint32_t disk_sense_information(const struct fixture *fixture)
{
	const uint8_t *sense = fixture->last->task.sense;

	ck_assert_uint_eq(sense[0], 0xf0);
	return get_be32(sense + 3);
}

static uint8_t pointer(bool in_cdb, int bit)
{
	return (uint8_t)(0x80 | (in_cdb ? 0x40 : 0) | (bit >= 0 ? 0x08 | bit : 0));
}

void disk_invalid_cdb(const struct fixture_result *result, uint8_t byte, int bit)
{
	fixture_field(result, 0x5, 0x24, 0x00, pointer(true, bit), 0, byte);
}

void disk_invalid_parameter(const struct fixture_result *result, uint8_t byte, int bit)
{
	fixture_field(result, 0x5, 0x26, 0x00, pointer(false, bit), 0, byte);
}
