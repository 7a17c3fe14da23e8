/*
 * Which members lines have, and where they lie. Writer and reader go by these tables, and
 * holdfast-history(5) is written from them.
 */
#include "tools/lab/history_json.h"

#define FIELD(type, member, form)                                                                \
	{                                                                                        \
#member, form, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}
#define FIELD_END                      \
	{                              \
		NULL, FIELD_BOOL, 0, 0 \
	}

const struct history_field history_head_fields[] = {
	FIELD(history_head, target, FIELD_TEXT),
	FIELD(history_head, profile, FIELD_TEXT),
	FIELD(history_head, vendor, FIELD_TEXT),
	FIELD(history_head, product, FIELD_TEXT),
	FIELD(history_head, seed, FIELD_KEY),
	FIELD(history_head, started_ms, FIELD_U64),
	FIELD(history_head, block_size, FIELD_U32),
	FIELD(history_head, registrations_max, FIELD_U32),
	FIELD(history_head, aptpl_claimed, FIELD_BOOL),
	FIELD(history_head, type_mask, FIELD_BYTES),
	FIELD(history_head, comment, FIELD_TEXT),
	FIELD_END,
};

const struct history_field history_nexus_fields[] = {
	FIELD(history_nexus, number, FIELD_U32),
	FIELD(history_nexus, name, FIELD_TEXT),
	FIELD(history_nexus, isid, FIELD_BYTES),
	FIELD(history_nexus, target_port, FIELD_U16),
	FIELD(history_nexus, portal, FIELD_TEXT),
	FIELD(history_nexus, label, FIELD_TEXT),
	FIELD_END,
};

/* Without cdb and cdb_len, which are one member. */
const struct history_field history_command_fields[] = {
	FIELD(history_command, op, FIELD_OP),
	FIELD(history_command, lun, FIELD_U16),
	FIELD(history_command, type, FIELD_U8),
	FIELD(history_command, scope, FIELD_U8),
	FIELD(history_command, aptpl, FIELD_BOOL),
	FIELD(history_command, all_tg_pt, FIELD_BOOL),
	FIELD(history_command, spec_i_pt, FIELD_BOOL),
	FIELD(history_command, unregister_source, FIELD_BOOL),
	FIELD(history_command, key, FIELD_KEY),
	FIELD(history_command, action_key, FIELD_KEY),
	FIELD(history_command, move_to, FIELD_NEXUS),
	FIELD(history_command, lba, FIELD_U64),
	FIELD(history_command, blocks, FIELD_U32),
	FIELD(history_command, sequence, FIELD_U64),
	FIELD(history_command, generation_seen, FIELD_U32),
	FIELD(history_command, fua, FIELD_BOOL),
	FIELD(history_command, access, FIELD_ACCESS),
	FIELD_END,
};

/* Without the lists. */
const struct history_field history_result_fields[] = {
	FIELD(history_result, outcome, FIELD_OUTCOME),
	FIELD(history_result, sense_key, FIELD_U8),
	FIELD(history_result, asc, FIELD_U8),
	FIELD(history_result, ascq, FIELD_U8),
	FIELD(history_result, generation, FIELD_U32),
	FIELD(history_result, holder_key, FIELD_KEY),
	FIELD(history_result, holder_type, FIELD_U8),
	FIELD(history_result, type_mask, FIELD_BYTES),
	FIELD(history_result, ptpl_active, FIELD_BOOL),
	FIELD(history_result, key_count, FIELD_U32),
	FIELD(history_result, cut_off, FIELD_BOOL),
	FIELD_END,
};

const struct history_field history_medium_fields[] = {
	{"lun", FIELD_U16, offsetof(struct history_event, u.medium.lun), sizeof(uint16_t)},
	{"lba", FIELD_U64, offsetof(struct history_event, u.medium.lba), sizeof(uint64_t)},
	FIELD_END,
};
