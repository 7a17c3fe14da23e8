/*
 * PDUs that nothing called for.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "pr_engine/bytes.h"
#include "transport/fault_internal.h"

/* --- header fields ---------------------------------------------------------------------------- */

static void field_set(const struct fault_setting *setting, uint64_t random, uint8_t *bhs)
{
	const struct iscsi_pdu_field *field = iscsi_pdu_field_find(bhs[0], setting->field);
	const struct iscsi_pdu_field *base =
		setting->base ? iscsi_pdu_field_find(bhs[0], setting->base) : field;
	uint64_t value = setting->value;

	if (!field || !base)
		return; /* the rule is for several PDUs, and this one has none */
	uint64_t was = iscsi_pdu_field_get(base, bhs);
	switch (setting->change) {
	case FAULT_CHANGE_TO:
		break;
	case FAULT_CHANGE_PLUS:
		value = was + value;
		break;
	case FAULT_CHANGE_MINUS:
		value = was - value;
		break;
	case FAULT_CHANGE_XOR:
		value = was ^ value;
		break;
	case FAULT_CHANGE_RANDOM:
		value = random;
		break;
	}
	iscsi_pdu_field_put(field, bhs, value);
}

void fault_fields_set(const struct fault_setting *settings, unsigned count, uint64_t random,
		      uint8_t *bhs)
{
	for (unsigned i = 0; i < count; i++)
		field_set(&settings[i], fault_random(random, i), bhs);
}

/* --- making one ------------------------------------------------------------------------------- */

/* Does it speak of the task of the PDU at hand? */
static bool has_task(uint8_t opcode)
{
	return opcode != ISCSI_NOP_IN && opcode != ISCSI_ASYNC_MESSAGE && opcode != ISCSI_REJECT;
}

static void take_task(struct fault_insert *insert, const struct fault_action *action,
		      const struct fault_moment *moment)
{
	bool wants = fault_given(action, FAULT_P_TASK) ? action->number[FAULT_P_TASK] != 0
						       : has_task(insert->opcode);

	insert->itt = ISCSI_NO_TAG;
	if (!wants)
		return;
	insert->itt = get_be32(moment->bhs + 16);
	if (moment->has_lun)
		insert->lun[1] = (uint8_t)moment->lun;
}

/* Of a Reject without data of its own it is the header that it rejects. */
static uint32_t data_len_of(const struct fault_action *action, uint8_t opcode)
{
	if (fault_given(action, FAULT_P_LEN))
		return (uint32_t)action->number[FAULT_P_LEN];
	if (fault_given(action, FAULT_P_BYTES))
		return action->bytes_len;
	return opcode == ISCSI_REJECT ? ISCSI_BHS_LEN : 0;
}

struct fault_insert *fault_insert_new(struct iscsi_conn *conn, const struct fault_rule *rule,
				      const struct fault_action *action,
				      const struct fault_moment *moment)
{
	uint8_t opcode = (uint8_t)action->number[FAULT_P_PDU];
	uint32_t len = data_len_of(action, opcode);
	struct fault_insert *insert = calloc(1, sizeof(*insert) + len);
	const uint8_t *from = fault_given(action, FAULT_P_BYTES) ? action->bytes : NULL;
	uint32_t from_len = action->bytes_len;

	if (!insert) {
		iscsi_conn_doom(conn, "out of memory", true);
		return NULL;
	}
	insert->opcode = opcode;
	take_task(insert, action, moment);
	memcpy(insert->settings, action->settings, sizeof(insert->settings));
	insert->setting_count = action->setting_count;
	insert->has_sn = fault_given(action, FAULT_P_SN);
	insert->uses_sn = action->number[FAULT_P_SN] != 0;
	insert->copies =
		fault_given(action, FAULT_P_COUNT) ? (uint32_t)action->number[FAULT_P_COUNT] : 1;
	insert->random = fault_random(rule->seed, rule->total.firings);
	insert->data_len = len;
	if (!from && opcode == ISCSI_REJECT && !fault_given(action, FAULT_P_LEN)) {
		from = moment->bhs;
		from_len = ISCSI_BHS_LEN;
	}
	memset(insert->data, (int)action->number[FAULT_P_FILL], len);
	if (from)
		memcpy(insert->data, from, from_len < len ? from_len : len);
	return insert;
}

/* --- writing it ------------------------------------------------------------------------------- */

/* RFC 7143 4.2.2.2; decided by what the header says in the end. */
static bool uses_stat_sn(const struct fault_insert *insert, const uint8_t *bhs)
{
	if (insert->has_sn)
		return insert->uses_sn;
	switch (insert->opcode) {
	case ISCSI_NOP_IN:
		return get_be32(bhs + 16) != ISCSI_NO_TAG;
	case ISCSI_DATA_IN:
		return (bhs[1] & 0x01) != 0;
	case ISCSI_R2T:
		return false;
	default:
		return true;
	}
}

static void encode(struct iscsi_conn *conn, const struct fault_insert *insert, uint32_t copy,
		   uint8_t *bhs)
{
	const struct iscsi_sns sns = iscsi_conn_sns(conn);

	memset(bhs, 0, ISCSI_BHS_LEN);
	bhs[0] = insert->opcode;
	bhs[1] = insert->opcode == ISCSI_LOGIN_RESPONSE ? 0 : 0x80;
	iscsi_bhs_set_lengths(bhs, insert->data_len);
	if (iscsi_pdu_field_find(insert->opcode, "lun"))
		memcpy(bhs + 8, insert->lun, sizeof(insert->lun));
	put_be32(bhs + 16, insert->itt);
	if (iscsi_pdu_field_find(insert->opcode, "ttt"))
		put_be32(bhs + 20, ISCSI_NO_TAG);
	put_be32(bhs + 24, conn->login ? iscsi_login_next_stat_sn(conn->login) : sns.stat_sn);
	put_be32(bhs + 28, sns.exp_cmd_sn);
	put_be32(bhs + 32, sns.max_cmd_sn);
	fault_fields_set(insert->settings, insert->setting_count, insert->random + copy, bhs);
}

/* A number more is used up: what waits for later ones waits for one more. */
static void take_stat_sn(struct iscsi_conn *conn)
{
	if (iscsi_sn_before(conn->stat_sn, conn->fence_stat_sn))
		conn->fence_stat_sn++;
	conn->stat_sn++;
}

void fault_insert_write(struct iscsi_conn *conn, const struct fault_insert *insert,
			struct fault_bytes *bytes, bool header_digest, bool data_digest)
{
	struct fault_pdu_format format = {.header_digest = header_digest,
					  .data_digest = data_digest};
	uint8_t bhs[ISCSI_BHS_LEN];

	for (uint32_t i = 0; i < insert->copies && bytes->len < FAULT_WIRE_MAX; i++) {
		encode(conn, insert, i, bhs);
		if (!conn->login && uses_stat_sn(insert, bhs))
			take_stat_sn(conn);
		size_t from = bytes->len;
		fault_bytes_add_pdu(bytes, bhs, insert->data, insert->data_len, &format);
		fault_show(conn, bytes, from, insert->data_len, &format);
		if (conn->fault) {
			conn->fault->sent++;
			conn->fault->wire_sent++;
		}
	}
}

bool iscsi_fault_write(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct fault_bytes bytes = {0};

	if (out->kind != ISCSI_OUT_FAULT)
		return false;
	fault_insert_write(conn, out->wire->insert, &bytes, out->header_digest, out->data_digest);
	iscsi_fault_wire_restore(out);
	fault_wire_put(conn, out, &bytes, 0, 0);
	out->encoded = true;
	free(bytes.p);
	return true;
}

void fault_insert_push(struct iscsi_conn *conn, struct fault_insert *insert)
{
	struct iscsi_fault_wire *wire = calloc(1, sizeof(*wire));
	struct iscsi_out *out = wire ? iscsi_out_new(conn, ISCSI_OUT_FAULT) : NULL;

	if (!out) {
		iscsi_conn_doom(conn, "out of memory", true);
		free(wire);
		free(insert);
		return;
	}
	if (conn->login)
		out->header_digest = out->data_digest = false;
	wire->insert = insert;
	out->wire = wire;
	out->weight += insert->data_len;
	iscsi_out_push(conn, out);
}

void fault_insert_begin(struct iscsi_conn *conn, struct fault_rule *rule, unsigned action,
			const struct fault_moment *moment)
{
	const struct fault_action *a = &rule->actions[action];
	struct fault_insert *insert = fault_insert_new(conn, rule, a, moment);

	if (!insert)
		return;
	if (!fault_given(a, FAULT_P_IN)) {
		fault_insert_push(conn, insert);
		return;
	}
	struct fault_insert_later *later = calloc(1, sizeof(*later));
	if (!later) {
		free(insert);
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	later->insert = insert;
	later->wait.rule = rule;
	later->wait.due_ms = conn->node->now_ms + a->number[FAULT_P_IN];
	DL_APPEND(conn->fault->inserts, later);
	iscsi_conn_wake(conn);
}
