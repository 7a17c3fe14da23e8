/*
 * What the tests of the block commands share: commands with Data-Out, and looking at the disk
 * behind the target's back.
 */
#ifndef TESTS_UNIT_TARGET_DISK_H
#define TESTS_UNIT_TARGET_DISK_H

#include "tests/support/target_fixture.h"

const struct fixture_result *disk_out(struct fixture *fixture, struct scsi_nexus *nexus,
				      const void *out, uint32_t out_len, const uint8_t *cdb,
				      size_t cdb_len);
/* A CDB with Data-Out: DISK_OUT(f, nexus, list, sizeof(list), 0x42, 0, ...) */
#define DISK_OUT(fixture, nexus, out, out_len, ...)                                              \
	disk_out((fixture), (nexus), (out), (uint32_t)(out_len), (const uint8_t[]){__VA_ARGS__}, \
		 sizeof((const uint8_t[]){__VA_ARGS__}))

/* Writes, and looks at, the bytes of LUN 0's disk; no command is involved. */
void disk_fill(struct fixture *fixture, uint32_t lba, uint32_t blocks, uint8_t fill);
bool disk_is(const struct fixture *fixture, uint32_t lba, uint32_t blocks, uint8_t fill);

/* The INFORMATION field of the last command's sense data (fixed format); fails without one. */
uint32_t disk_sense_information(const struct fixture *fixture);

/* CHECK CONDITION 5/24/00 pointing at a byte of the CDB, and at a bit of it or (-1) at none. */
void disk_invalid_cdb(const struct fixture_result *result, uint8_t byte, int bit);
/* The same for 5/26/00 and the parameter list. */
void disk_invalid_parameter(const struct fixture_result *result, uint8_t byte, int bit);

#endif
