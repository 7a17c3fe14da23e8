#include "tools/lab/cdb.h"

#include <string.h>

#include "pr_engine/bytes.h"
#include "tools/lab/tag.h"

#define PR_LIST_LEN 24
#define CDB_FUA	    0x08

enum opcode {
	OPCODE_TEST_UNIT_READY = 0x00,
	OPCODE_RESERVE_6 = 0x16,
	OPCODE_RELEASE_6 = 0x17,
	OPCODE_PR_IN = 0x5e,
	OPCODE_PR_OUT = 0x5f,
	OPCODE_READ_16 = 0x88,
	OPCODE_WRITE_16 = 0x8a,
};

/* Service actions of PERSISTENT RESERVE IN and OUT. */
static const uint8_t service_actions[HISTORY_OP_COUNT] = {
	[HISTORY_READ_KEYS] = 0x00,
	[HISTORY_READ_RESERVATION] = 0x01,
	[HISTORY_REPORT_CAPABILITIES] = 0x02,
	[HISTORY_READ_FULL_STATUS] = 0x03,
	[HISTORY_REGISTER] = 0x00,
	[HISTORY_RESERVE] = 0x01,
	[HISTORY_RELEASE] = 0x02,
	[HISTORY_CLEAR] = 0x03,
	[HISTORY_PREEMPT] = 0x04,
	[HISTORY_PREEMPT_AND_ABORT] = 0x05,
	[HISTORY_REGISTER_AND_IGNORE] = 0x06,
	[HISTORY_REGISTER_AND_MOVE] = 0x07,
};

/* ---- commands ---- */

static void build_read_write(const struct history_command *c, uint32_t block_size, struct cdb *cdb)
{
	bool write = c->op == HISTORY_WRITE;

	cdb->len = 16;
	cdb->bytes[0] = write ? OPCODE_WRITE_16 : OPCODE_READ_16;
	cdb->bytes[1] = c->fua ? CDB_FUA : 0;
	put_be64(cdb->bytes + 2, c->lba);
	put_be32(cdb->bytes + 10, c->blocks);
	cdb->direction = write ? CDB_DATA_OUT : CDB_DATA_IN;
	cdb->transfer_len = c->blocks * block_size;
}

bool cdb_build(const struct history_command *command, uint32_t block_size, size_t list_len,
	       struct cdb *ret_cdb)
{
	struct cdb cdb = {.len = 10};

	if (history_op_is_pr_in(command->op)) {
		cdb.bytes[0] = OPCODE_PR_IN;
		cdb.bytes[1] = service_actions[command->op];
		put_be16(cdb.bytes + 7, CDB_PR_IN_MAX);
		cdb.direction = CDB_DATA_IN;
		cdb.transfer_len = CDB_PR_IN_MAX;
	} else if (history_op_is_pr_out(command->op)) {
		cdb.bytes[0] = OPCODE_PR_OUT;
		cdb.bytes[1] = service_actions[command->op];
		cdb.bytes[2] = (uint8_t)((command->scope << 4) | (command->type & 0x0f));
		put_be32(cdb.bytes + 5, (uint32_t)list_len);
		cdb.direction = CDB_DATA_OUT;
		cdb.transfer_len = (uint32_t)list_len;
	} else if (command->op == HISTORY_READ || command->op == HISTORY_WRITE) {
		build_read_write(command, block_size, &cdb);
	} else if (command->op == HISTORY_TEST_UNIT_READY || command->op == HISTORY_SPC2_RESERVE ||
		   command->op == HISTORY_SPC2_RELEASE) {
		cdb.len = 6;
		cdb.bytes[0] = command->op == HISTORY_SPC2_RESERVE   ? OPCODE_RESERVE_6
			       : command->op == HISTORY_SPC2_RELEASE ? OPCODE_RELEASE_6
								     : OPCODE_TEST_UNIT_READY;
	} else {
		return false;
	}
	*ret_cdb = cdb;
	return true;
}

/* ---- parameter lists ---- */

size_t cdb_transport_id(const struct history_nexus *nexus, uint8_t *ret_id, size_t capacity)
{
	char text[HISTORY_NAME_MAX + 32];
	int len = snprintf(text, sizeof(text), "%s,i,0x%02x%02x%02x%02x%02x%02x", nexus->name,
			   (unsigned)nexus->isid[0], (unsigned)nexus->isid[1],
			   (unsigned)nexus->isid[2], (unsigned)nexus->isid[3],
			   (unsigned)nexus->isid[4], (unsigned)nexus->isid[5]);
	size_t padded = ((size_t)len + 1 + 3) & ~(size_t)3;

	padded = padded < 20 ? 20 : padded;
	if (4 + padded > capacity)
		return 0;
	memset(ret_id, 0, 4 + padded);
	ret_id[0] = 0x45; /* FORMAT CODE 01b, protocol 5h: name and ISID */
	put_be16(ret_id + 2, (uint16_t)padded);
	memcpy(ret_id + 4, text, (size_t)len);
	return 4 + padded;
}

static size_t list_of_move(const struct history_command *c, const struct history_nexus *nexuses,
			   uint32_t nexus_count, uint8_t *list)
{
	size_t id_len;

	if (c->move_to >= nexus_count)
		return 0;
	id_len = cdb_transport_id(&nexuses[c->move_to], list + PR_LIST_LEN,
				  CDB_PARAMETER_LIST_MAX - PR_LIST_LEN);
	list[17] = (uint8_t)((c->unregister_source ? 2 : 0) | (c->aptpl ? 1 : 0));
	put_be16(list + 18, nexuses[c->move_to].target_port);
	put_be32(list + 20, (uint32_t)id_len);
	return id_len == 0 ? 0 : PR_LIST_LEN + id_len;
}

static size_t list_of_others(const struct history_nexus *nexuses, uint32_t nexus_count,
			     const uint32_t *others, size_t other_count, uint8_t *list)
{
	size_t at = PR_LIST_LEN + 4;

	for (size_t i = 0; i < other_count; i++) {
		size_t len = others[i] < nexus_count
				     ? cdb_transport_id(&nexuses[others[i]], list + at,
							CDB_PARAMETER_LIST_MAX - at)
				     : 0;
		if (len == 0)
			return 0;
		at += len;
	}
	put_be32(list + PR_LIST_LEN, (uint32_t)(at - PR_LIST_LEN - 4));
	return at;
}

size_t cdb_parameter_list(const struct history_command *command,
			  const struct history_nexus *nexuses, uint32_t nexus_count,
			  const uint32_t *others, size_t other_count,
			  uint8_t ret_list[CDB_PARAMETER_LIST_MAX])
{
	memset(ret_list, 0, PR_LIST_LEN);
	put_be64(ret_list, command->key);
	put_be64(ret_list + 8, command->action_key);
	if (command->op == HISTORY_REGISTER_AND_MOVE)
		return list_of_move(command, nexuses, nexus_count, ret_list);
	ret_list[20] = (uint8_t)((command->spec_i_pt ? 8 : 0) | (command->all_tg_pt ? 4 : 0) |
				 (command->aptpl ? 1 : 0));
	if (command->spec_i_pt)
		return list_of_others(nexuses, nexus_count, others, other_count, ret_list);
	return PR_LIST_LEN;
}

/* ---- answers ---- */

uint32_t cdb_nexus_find(const struct history_nexus *nexuses, uint32_t nexus_count, const char *name,
			const uint8_t isid[6], uint16_t target_port)
{
	for (uint32_t i = 0; i < nexus_count; i++)
		if (nexuses[i].target_port == target_port &&
		    memcmp(nexuses[i].isid, isid, sizeof(nexuses[i].isid)) == 0 &&
		    strcmp(nexuses[i].name, name) == 0)
			return i;
	return HISTORY_NO_NEXUS;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Name and ISID of a TransportID of format 01b. */
static bool parse_transport_id(const uint8_t *id, size_t len, char name[HISTORY_NAME_MAX + 1],
			       uint8_t isid[6])
{
	static const char separator[] = ",i,0x";
	const char *text = (const char *)id + 4, *at;

	if (len < 24 || id[0] != 0x45 || memchr(text, '\0', len - 4) == NULL)
		return false;
	at = strstr(text, separator);
	if (!at || (size_t)(at - text) > HISTORY_NAME_MAX || strlen(at) != strlen(separator) + 12)
		return false;
	memset(name, 0, HISTORY_NAME_MAX + 1);
	memcpy(name, text, (size_t)(at - text));
	at += strlen(separator);
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(at[2 * i]), low = hex_digit(at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		isid[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static void take_keys(struct cdb_answer *answer, const uint8_t *data, size_t len)
{
	uint32_t count = get_be32(data + 4) / 8;
	uint32_t kept = 0;

	for (size_t at = 8; at + 8 <= len && kept < count && kept < HISTORY_KEYS_MAX; at += 8)
		answer->keys[kept++] = get_be64(data + at);
	/* What was cut off cannot be compared: then only their number is known. */
	answer->result.key_count = count;
	answer->result.keys = kept == count || kept == HISTORY_KEYS_MAX ? answer->keys : NULL;
}

static void take_full_status(struct cdb_answer *answer, const struct cdb_context *context,
			     const uint8_t *data, size_t len)
{
	uint32_t count = 0;
	size_t at = 8, all = 8 + (size_t)get_be32(data + 4), end = all < len ? all : len;

	for (; end - at >= 24 && count < HISTORY_KEYS_MAX; count++) {
		char name[HISTORY_NAME_MAX + 1];
		uint8_t isid[6];
		const uint8_t *descriptor = data + at;
		size_t id_len = get_be32(descriptor + 20);
		if (id_len > end - at - 24)
			break;
		answer->keys[count] = get_be64(descriptor);
		answer->key_nexuses[count] =
			parse_transport_id(descriptor + 24, id_len, name, isid)
				? cdb_nexus_find(context->nexuses, context->nexus_count, name, isid,
						 get_be16(descriptor + 18))
				: HISTORY_NO_NEXUS;
		at += 24 + id_len;
	}
	answer->result.key_count = count;
	answer->result.cut_off = all > CDB_PR_IN_MAX || (at != end && count == HISTORY_KEYS_MAX);
	answer->result.keys = answer->keys;
	answer->result.key_nexuses = answer->key_nexuses;
}

static void take_pr_in(struct cdb_answer *answer, const struct history_command *command,
		       const struct cdb_context *context, const uint8_t *data, size_t len)
{
	struct history_result *r = &answer->result;

	if (len < 8)
		return;
	if (command->op == HISTORY_REPORT_CAPABILITIES) {
		r->ptpl_active = (data[3] & 1) != 0;
		memcpy(r->type_mask, data + 4, sizeof(r->type_mask));
		return;
	}
	r->generation = get_be32(data);
	if (command->op == HISTORY_READ_KEYS)
		take_keys(answer, data, len);
	else if (command->op == HISTORY_READ_FULL_STATUS)
		take_full_status(answer, context, data, len);
	else if (get_be32(data + 4) >= 16 && len >= 24) {
		r->holder_key = get_be64(data + 8);
		r->holder_type = data[21] & 0x0f;
	}
}

void cdb_answer_take(struct cdb_answer *answer, const struct history_command *command,
		     const struct cdb_context *context, const uint8_t *data, size_t len)
{
	uint32_t blocks = 0;

	if (history_op_is_pr_in(command->op)) {
		take_pr_in(answer, command, context, data, len);
		return;
	}
	if (command->op != HISTORY_READ)
		return;
	for (; blocks < command->blocks && blocks < HISTORY_TAGS_MAX &&
	       len / context->block_size > blocks;
	     blocks++)
		answer->tags[blocks] =
			tag_of(data + (size_t)blocks * context->block_size, context->block_size,
			       context->run, command->lba + blocks, NULL);
	answer->result.tag_count = blocks;
	answer->result.tags = answer->tags;
}

/* ---- what other commands need ---- */

enum history_access cdb_access(const uint8_t *cdb, size_t len)
{
	if (len == 0)
		return HISTORY_ACCESS_INVALID;
	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x03: /* REQUEST SENSE */
	case 0x12: /* INQUIRY */
	case 0x25: /* READ CAPACITY(10) */
	case 0x4d: /* LOG SENSE */
	case 0xa0: /* REPORT LUNS */
		return HISTORY_ACCESS_ALLOWED;
	case 0x1b: /* START STOP UNIT: only a plain START passes */
		return len > 4 && cdb[4] == 1 ? HISTORY_ACCESS_ALLOWED : HISTORY_ACCESS_WRITE;
	case 0x1e: /* PREVENT ALLOW MEDIUM REMOVAL */
		return len > 4 && (cdb[4] & 3) == 0 ? HISTORY_ACCESS_ALLOWED : HISTORY_ACCESS_WRITE;
	case 0x08: /* READ(6) */
	case 0x1a: /* MODE SENSE(6) */
	case 0x28: /* READ(10) */
	case 0x2f: /* VERIFY(10) */
	case 0x34: /* PRE-FETCH(10) */
	case 0x3c: /* READ BUFFER */
	case 0x5a: /* MODE SENSE(10) */
	case 0x88: /* READ(16) */
	case 0x8f: /* VERIFY(16) */
	case 0xa8: /* READ(12) */
		return HISTORY_ACCESS_READ;
	case 0x9e: /* SERVICE ACTION IN(16) */
		return len > 1 && (cdb[1] & 0x1f) == 0x10 ? HISTORY_ACCESS_ALLOWED
							  : HISTORY_ACCESS_READ;
	case 0xa3: /* MAINTENANCE IN: REPORT SUPPORTED OPERATION CODES and TMFs are reads */
		return len > 1 && ((cdb[1] & 0x1f) == 0x0c || (cdb[1] & 0x1f) == 0x0d)
			       ? HISTORY_ACCESS_READ
			       : HISTORY_ACCESS_ALLOWED;
	default:
		return HISTORY_ACCESS_WRITE;
	}
}
