/*
 * The observer at work: which connections it follows, and what it is shown of them.
 */
#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "transport/conn_internal.h"
#include "transport/observer.h"
#include "transport/text.h"

/* The target that the first request names, if it is one of ours; NULL: none, or none yet. */
static const struct iscsi_node_target *named_target(const struct iscsi_conn *conn)
{
	const struct iscsi_framer *framer = &conn->framer;
	char key[ISCSI_KEY_MAX + 1], name[PR_INITIATOR_NAME_MAX + 1];
	struct iscsi_text_reader reader;
	const char *value;
	bool bad = false;

	if (framer->data_len == 0)
		return NULL;
	iscsi_text_reader_init(&reader, framer->data, framer->data_len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (strcmp(key, "TargetName") == 0 && iscsi_name_canonical(value, name))
			return iscsi_node_entry(conn->node,
						iscsi_node_find_target(conn->node, name));
	return NULL;
}

/* Whoever names no target is looked at as long as anybody is. */
static void decide(struct iscsi_conn *conn)
{
	const struct iscsi_node_target *entry = named_target(conn);

	conn->watch_decided = true;
	if (entry && !entry->observed)
		iscsi_observe_end(conn);
}

void iscsi_observe_begin(struct iscsi_conn *conn)
{
	struct iscsi_node *node = conn->node;

	if (node->observed_count > 0)
		conn->watch = iscsi_watch_create(node->observer, conn->portal->portal_group_tag);
	if (conn->watch)
		iscsi_watch_tell(conn->watch, iscsi_trace_finding, conn);
}

void iscsi_observe_end(struct iscsi_conn *conn)
{
	iscsi_watch_free(&conn->watch, conn->node->now_ms);
}

static bool is_whole(enum iscsi_frame_event event)
{
	return event == ISCSI_FRAME_PDU || event == ISCSI_FRAME_DATA_DIGEST;
}

static enum iscsi_seen_state seen_state(enum iscsi_frame_event event)
{
	if (event == ISCSI_FRAME_HEADER_DIGEST)
		return ISCSI_SEEN_HEADER_DIGEST;
	if (event == ISCSI_FRAME_DATA_DIGEST)
		return ISCSI_SEEN_DATA_DIGEST;
	return event == ISCSI_FRAME_TOO_LONG ? ISCSI_SEEN_TOO_LONG : ISCSI_SEEN_WHOLE;
}

void iscsi_observe_event(struct iscsi_conn *conn, enum iscsi_frame_event event)
{
	const struct iscsi_framer *framer = &conn->framer;

	if (event == ISCSI_FRAME_HEADER || event == ISCSI_FRAME_MORE ||
	    event == ISCSI_FRAME_NO_MEMORY)
		return;
	if (!conn->watch_decided && is_whole(event))
		decide(conn);
	if (!conn->watch)
		return;
	struct iscsi_seen_pdu pdu = {
		.state = seen_state(event),
		.bhs = framer->bhs,
		.ahs = framer->ahs,
		.ahs_len = framer->ahs_len,
	};
	if (is_whole(event)) {
		pdu.data = framer->data_len > 0 ? framer->data : NULL;
		pdu.data_len = framer->data_len;
		pdu.padding = framer->tail;
	}
	iscsi_watch_received(conn->watch, &pdu, conn->node->now_ms);
}

void iscsi_observe_sent(struct iscsi_conn *conn, const struct iscsi_out *out)
{
	struct iscsi_seen_pdu pdu = {
		.bhs = out->head,
		.data = out->data_len > 0 ? out->data : NULL,
		.data_len = out->data_len,
	};

	iscsi_watch_sent(conn->watch, &pdu, &conn->params, conn->node->now_ms);
}

/* --- on and off ------------------------------------------------------------------------------- */

/* Those that are followed for the target's sake; when it was the last one, all. */
static void let_go(struct iscsi_node *node, const struct scsi_target *target)
{
	struct iscsi_conn *conn;

	DL_FOREACH(node->conns, conn)
	{
		bool its = conn->session && conn->session->target == target;
		if (its || node->observed_count == 0)
			iscsi_observe_end(conn);
	}
}

int iscsi_node_observe(struct iscsi_node *node, const struct scsi_target *target, bool on)
{
	struct iscsi_node_target *entry = node->targets;

	while (entry && entry->target != target)
		entry = entry->next;
	if (!entry)
		return -ENOENT;
	if (on && !node->observer) {
		node->observer = iscsi_observer_create();
		if (!node->observer)
			return -ENOMEM;
	}
	if (entry->observed == on)
		return 0;
	entry->observed = on;
	node->observed_count = on ? node->observed_count + 1 : node->observed_count - 1;
	if (!on)
		let_go(node, target);
	return 0;
}

bool iscsi_node_observes(const struct iscsi_node *node, const struct scsi_target *target)
{
	const struct iscsi_node_target *entry = iscsi_node_entry(node, target);

	return entry && entry->observed;
}

struct iscsi_observer *iscsi_node_observer(struct iscsi_node *node)
{
	return node->observer;
}
