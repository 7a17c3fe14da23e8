/*
 * Faults of PDUs that go. The queue's entry stays what it is; what goes on the wire in its place is
 * put together here: what was inserted before it, the PDU (changed, cut, several times, or not at
 * all), what was inserted behind it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/fault_internal.h"

/* The PDU at hand, on its way to be bytes. */
struct image {
	struct iscsi_conn *conn;
	struct iscsi_out *out;
	struct fault_moment moment;
	uint8_t bhs[ISCSI_BHS_LEN];
	const uint8_t *data; /* the entry's, or own.p */
	uint32_t data_len;
	struct fault_bytes own;
	struct fault_pdu_format format;
	struct fault_bytes before, behind;
	bool changed; /* else the entry goes as it is */
	bool lost;
	uint32_t copies;
	size_t keep; /* bytes of it; SIZE_MAX: all */
	enum fault_then then;
	uint32_t piece, pause_ms;
	bool late; /* it goes later */
	struct fault_wait wait;
	uint32_t behind_pdus; /* late: so many others go first */
};

/* --- changes ---------------------------------------------------------------------------------- */

/* Copies the data segment, so that it can be changed. NULL: there is none, or no memory. */
static uint8_t *own_data(struct image *image)
{
	if (image->data_len == 0)
		return NULL;
	if (image->data != image->own.p) {
		image->own.len = 0;
		fault_bytes_add(&image->own, image->data, image->data_len);
		if (image->own.failed)
			return NULL;
		image->data = image->own.p;
	}
	return image->own.p;
}

/* A data segment of ours. */
static void take_data(struct image *image, struct fault_bytes data)
{
	free(image->own.p);
	image->own = data;
	image->data = data.p;
	image->data_len = (uint32_t)data.len;
	iscsi_bhs_set_lengths(image->bhs, image->data_len);
}

static void sent_text(struct image *image, struct fault_rule *rule, unsigned i)
{
	struct fault_bytes text = {0};

	if (!fault_text_edit(image->conn, &rule->actions[i], (const char *)image->data,
			     image->data_len, &text)) {
		image->own.failed = true;
		return;
	}
	take_data(image, text);
}

static void sent_set(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];

	fault_fields_set(action->settings, action->setting_count,
			 fault_random(rule->seed, rule->total.firings), image->bhs);
}

static void sent_flip(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	uint64_t at = action->number[FAULT_P_AT];
	uint8_t mask = fault_given(action, FAULT_P_XOR) ? (uint8_t)action->number[FAULT_P_XOR] : 1;
	uint8_t *data;

	if (!(at & FAULT_IN_DATA)) {
		if (at < ISCSI_BHS_LEN)
			image->bhs[at] ^= mask;
		return;
	}
	at &= ~FAULT_IN_DATA;
	data = own_data(image);
	if (data && at < image->data_len)
		data[at] ^= mask;
}

static void sent_bytes(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	uint64_t at = action->number[FAULT_P_AT];
	uint8_t *place = at & FAULT_IN_DATA ? own_data(image) : image->bhs;
	size_t room = at & FAULT_IN_DATA ? image->data_len : ISCSI_BHS_LEN;

	at &= ~FAULT_IN_DATA;
	if (!place || at >= room || action->bytes_len == 0)
		return;
	room -= at;
	memcpy(place + at, action->bytes, action->bytes_len < room ? action->bytes_len : room);
}

static void sent_reserved(struct image *image, struct fault_rule *rule, unsigned i)
{
	(void)rule;
	(void)i;
	iscsi_pdu_set_reserved(image->bhs);
}

static void sent_segment(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	bool is_given = fault_given(action, FAULT_P_BYTES);
	const uint8_t *from = is_given ? action->bytes : image->data;
	size_t from_len = is_given ? action->bytes_len : image->data_len;
	size_t len = fault_given(action, FAULT_P_LEN) ? action->number[FAULT_P_LEN] : from_len;
	struct fault_bytes data = {0};

	fault_bytes_add(&data, from, len < from_len ? len : from_len);
	fault_bytes_fill(&data, (uint8_t)action->number[FAULT_P_FILL],
			 len > from_len ? len - from_len : 0);
	take_data(image, data);
}

static void sent_chap_adopt(struct image *image, struct fault_rule *rule, unsigned i)
{
	const char *text = (const char *)image->data;
	const char *id = fault_text_value(text, image->data_len, "CHAP_I");
	const char *challenge = fault_text_value(text, image->data_len, "CHAP_C");
	(void)rule;
	(void)i;

	/* What is no challenge cannot be answered rightly: then ours stays. */
	if (image->conn->login && id && challenge)
		iscsi_login_adopt_challenge(image->conn->login, id, challenge);
}

static void sent_corrupt(struct image *image, struct fault_rule *rule, unsigned i)
{
	uint8_t *data = own_data(image);

	if (data)
		fault_corrupt(rule, &rule->actions[i], image->moment.cdb, data, image->data_len);
}

static void sent_header_digest(struct image *image, struct fault_rule *rule, unsigned i)
{
	(void)rule;
	(void)i;
	image->format.spoil_header = true;
}

static void sent_data_digest(struct image *image, struct fault_rule *rule, unsigned i)
{
	(void)rule;
	(void)i;
	image->format.spoil_data = true;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static void sent_insert(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	struct fault_moment moment = image->moment;

	moment.bhs = image->bhs;
	if (fault_given(action, FAULT_P_IN)) {
		fault_insert_begin(image->conn, rule, i, &moment);
		return;
	}
	struct fault_insert *new = fault_insert_new(image->conn, rule, action, &moment);
	if (!new)
		return;
	fault_insert_write(image->conn, new,
			   action->number[FAULT_P_AFTER] != 0 ? &image->behind : &image->before,
			   image->format.header_digest, image->format.data_digest);
	free(new);
}

static void sent_truncate(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	uint64_t to = action->number[FAULT_P_TO];

	image->keep = (size_t)(to & ~FAULT_PERCENT);
	if (to & FAULT_PERCENT)
		image->keep = ((size_t)ISCSI_BHS_LEN + image->data_len) * image->keep / 100;
	image->then = (enum fault_then)action->number[FAULT_P_THEN];
}

static void sent_drop(struct image *image, struct fault_rule *rule, unsigned i)
{
	(void)rule;
	(void)i;
	image->lost = true;
}

static void sent_duplicate(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];

	image->copies +=
		fault_given(action, FAULT_P_COUNT) ? (uint32_t)action->number[FAULT_P_COUNT] : 1;
}

static void sent_split(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];
	uint32_t size = (uint32_t)action->number[FAULT_P_SIZE];

	image->piece = size > 0 ? size : 1;
	image->pause_ms = (uint32_t)action->number[FAULT_P_PAUSE];
}

static void sent_late(struct image *image, struct fault_rule *rule, unsigned i)
{
	image->late = true;
	image->wait = fault_wait_begin(image->conn, rule, i, image->moment.index);
}

static void sent_reorder(struct image *image, struct fault_rule *rule, unsigned i)
{
	const struct fault_action *action = &rule->actions[i];

	image->late = true;
	image->wait = (struct fault_wait){
		.rule = rule,
		.due_ms = image->conn->node->now_ms + FAULT_REORDER_MS,
	};
	image->behind_pdus =
		fault_given(action, FAULT_P_BY) ? (uint32_t)action->number[FAULT_P_BY] : 1;
}

typedef void (*sent_action)(struct image *image, struct fault_rule *rule, unsigned i);

static const sent_action sent_actions[FAULT_DO_COUNT] = {
	[FAULT_DO_DELAY] = sent_late,
	[FAULT_DO_HOLD] = sent_late,
	[FAULT_DO_CORRUPT] = sent_corrupt,
	[FAULT_DO_DROP] = sent_drop,
	[FAULT_DO_DUPLICATE] = sent_duplicate,
	[FAULT_DO_REORDER] = sent_reorder,
	[FAULT_DO_BYTES] = sent_bytes,
	[FAULT_DO_RESERVED] = sent_reserved,
	[FAULT_DO_SEGMENT] = sent_segment,
	[FAULT_DO_TRUNCATE] = sent_truncate,
	[FAULT_DO_SPLIT] = sent_split,
	[FAULT_DO_SET] = sent_set,
	[FAULT_DO_CHAP_ADOPT] = sent_chap_adopt,
	[FAULT_DO_FLIP] = sent_flip,
	[FAULT_DO_HEADER_DIGEST] = sent_header_digest,
	[FAULT_DO_DATA_DIGEST] = sent_data_digest,
	[FAULT_DO_INSERT] = sent_insert,
};

static sent_action action_of(enum fault_action_id id)
{
	return fault_edits_text(id) ? sent_text : sent_actions[id];
}

bool fault_sent_knows(enum fault_action_id id)
{
	return action_of(id) != NULL;
}

static void act(struct image *image, struct fault_rule *rule, unsigned i)
{
	if (fault_connection_act(image->conn, rule, i))
		return;
	sent_action action = action_of(rule->actions[i].row->id);
	assert(action);
	action(image, rule, i);
	image->changed = true;
}

static void ask_rules(struct image *image)
{
	struct fault_rule *rule;

	DL_FOREACH(image->conn->node->faults->rules, rule)
	{
		image->moment.bhs = image->out->head;
		if (!fault_fires(image->conn, rule, &image->moment))
			continue;
		fault_tell(image->conn, rule, &image->moment,
			   image->out->task ? image->out->task->itt : ISCSI_NO_TAG);
		for (unsigned i = 0; i < rule->action_count; i++)
			act(image, rule, i);
		if (image->lost || image->late)
			break;
	}
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* The PDU itself, as often and as much of it as is to go. */
static void add_pdu(struct image *image, struct fault_bytes *bytes)
{
	for (uint32_t i = 0; i < image->copies && bytes->len < FAULT_WIRE_MAX; i++) {
		size_t from = bytes->len;

		fault_bytes_add_pdu(bytes, image->bhs, image->data, image->data_len,
				    &image->format);
		fault_show(image->conn, bytes, from, image->data_len, &image->format);
		image->conn->fault->wire_sent += !image->late;
		if (bytes->len - from > image->keep)
			bytes->len = from + image->keep;
	}
}

static void put_aside(struct image *image)
{
	struct fault_bytes bytes = {0};

	add_pdu(image, &bytes);
	if (bytes.failed)
		image->own.failed = true;
	else
		fault_late_add(image->conn, image->wait, image->behind_pdus, bytes.p, bytes.len);
	free(bytes.p);
}

/* Those that were to go behind this one go now. */
static void add_reordered(struct image *image)
{
	struct iscsi_fault_state *state = image->conn->fault;
	struct fault_late *late, *next;

	DL_FOREACH_SAFE(state->late, late, next)
	{
		if (late->behind == 0 || --late->behind > 0)
			continue;
		fault_bytes_add(&image->behind, late->bytes, late->len);
		DL_DELETE(state->late, late);
		state->late_bytes -= late->len;
		free(late);
		state->wire_sent++;
		image->changed = true;
	}
}

/* Nothing follows what was cut off: neither PDUs nor the connection. */
static void end_behind(struct image *image)
{
	struct iscsi_conn *conn = image->conn;

	iscsi_out_discard_behind(conn, image->out);
	fault_close(conn, image->then, false);
}

static bool finish(struct image *image)
{
	struct fault_bytes bytes = image->before;

	if (image->late)
		put_aside(image);
	else if (!image->lost)
		add_pdu(image, &bytes);
	fault_bytes_add(&bytes, image->behind.p, image->behind.len);
	bytes.failed |= image->behind.failed || image->own.failed;
	bool put = fault_wire_put(image->conn, image->out, &bytes, image->piece, image->pause_ms);
	free(bytes.p);
	if (put && image->then != FAULT_THEN_NOTHING)
		end_behind(image);
	return put;
}

static void image_begin(struct image *image, struct iscsi_conn *conn, struct iscsi_out *out)
{
	bool is_text = out->head[0] == ISCSI_LOGIN_RESPONSE || out->head[0] == ISCSI_TEXT_RESPONSE;

	*image = (struct image){
		.conn = conn,
		.out = out,
		.data = out->data,
		.data_len = out->data_len,
		.format = {.header_digest = out->header_digest, .data_digest = out->data_digest},
		.copies = 1,
		.keep = SIZE_MAX,
	};
	memcpy(image->bhs, out->head, ISCSI_BHS_LEN);
	image->moment = (struct fault_moment){
		.kind = FAULT_SENT,
		.opcode = out->head[0] & 0x3f,
		.bhs = out->head,
		.text = is_text ? (const char *)out->data : NULL,
		.text_len = is_text ? out->data_len : 0,
		.index = ++conn->fault->sent,
		.function = out->function,
	};
}

bool iscsi_fault_sent(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct iscsi_bhs head;
	struct image image;
	bool put = false;

	image_begin(&image, conn, out);
	iscsi_bhs_decode(out->head, &head);
	fault_scene_pdu(conn,
			out->task ? out->task : fault_scene_task_of(conn, head.opcode, head.itt),
			&image.moment);
	ask_rules(&image);
	if (!image.late && !image.lost)
		add_reordered(&image);
	if (image.changed) {
		put = finish(&image);
	} else {
		conn->fault->wire_sent++;
		free(image.before.p);
	}
	if (put == false && image.changed)
		out->head_len = out->tail_len = 0;
	free(image.behind.p);
	free(image.own.p);
	return put;
}
