/*
 * What somebody outside may ask about commands: their names, and the blocks they name.
 */
#include "pr_engine/bytes.h"
#include "target/command.h"
#include "target/target.h"

const char *target_command_name(size_t index, uint8_t *ret_opcode)
{
	if (index >= scsi_command_count)
		return NULL;
	*ret_opcode = scsi_commands[index].opcode;
	return scsi_commands[index].name;
}

enum extent_kind {
	EXTENT_NONE = 0,
	EXTENT_BY_GROUP,    /* where READ has it */
	EXTENT_ATOMIC,	    /* WRITE ATOMIC(16): the length behind the boundary (SBC-4 5.47) */
	EXTENT_FIRST_BLOCK, /* only where it begins: GET LBA STATUS (SBC-3 5.6) */
};

static enum extent_kind extent_kind_of(const uint8_t *cdb)
{
	static const uint8_t by_group[] = {
		0x08, 0x0a, 0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41, 0x88, 0x89,
		0x8a, 0x8b, 0x8e, 0x8f, 0x90, 0x91, 0x93, 0xa8, 0xaa, 0xae, 0xaf,
	};

	if (cdb[0] == 0x9c)
		return EXTENT_ATOMIC;
	if (cdb[0] == 0x9e && (cdb[1] & 0x1f) == 0x12)
		return EXTENT_FIRST_BLOCK;
	for (size_t i = 0; i < sizeof(by_group); i++)
		if (cdb[0] == by_group[i])
			return EXTENT_BY_GROUP;
	return EXTENT_NONE;
}

bool target_cdb_blocks(const uint8_t *cdb, uint64_t *ret_lba, uint32_t *ret_blocks)
{
	enum extent_kind kind = extent_kind_of(cdb);
	struct scsi_extent extent = scsi_cdb_extent(cdb);

	if (kind == EXTENT_NONE)
		return false;
	if (kind == EXTENT_ATOMIC)
		extent.blocks = get_be16(cdb + 12);
	else if (kind == EXTENT_FIRST_BLOCK)
		extent.blocks = 1;
	*ret_lba = extent.lba;
	*ret_blocks = extent.blocks;
	return true;
}
