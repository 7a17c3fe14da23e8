/*
 * `capture`: every PDU as it is on the wire, and what else happens, to one follower.
 *
 * While it lasts each loop has a second ring, in which PDUs are whole. The follower reads it as
 * `trace` reads the first one: what it is too slow for is lost, and counted.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/trace_reader.h"
#include "transport/pdu.h"

#define CAPTURE_SNAP_MAX 262144

static bool capture_more(struct control_reply *reply)
{
	return trace_reader_append(reply->work, reply);
}

static bool read_snap(const json_t *request, struct control_reply *reply, uint32_t *ret_snap_len)
{
	const json_t *snap = json_object_get(request, "snap");

	*ret_snap_len = CAPTURE_SNAP_MAX;
	if (!snap)
		return true;
	if (!json_is_integer(snap) || json_integer_value(snap) < ISCSI_BHS_LEN ||
	    json_integer_value(snap) > CAPTURE_SNAP_MAX) {
		control_reply_error(reply, "`snap` must be a number of bytes, %d to %d",
				    ISCSI_BHS_LEN, CAPTURE_SNAP_MAX);
		return false;
	}
	*ret_snap_len = (uint32_t)json_integer_value(snap);
	return true;
}

void control_capture(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct trace_reader *reader;
	struct trace_filter filter;
	uint32_t snap_len;

	if (!control_read_trace_filter(request, reply, &filter) ||
	    !read_snap(request, reply, &snap_len))
		return;
	if (trace_reader_is_capturing(service)) {
		control_reply_error(reply, "somebody captures already: one at a time");
		return;
	}
	filter.pdus = true;
	reader = trace_reader_create(service, &filter, true);
	if (!reader || !trace_reader_want_pdus(reader, snap_len)) {
		if (reader)
			trace_reader_free(reader);
		control_reply_error(reply, "no memory");
		return;
	}
	reply->work = reader;
	reply->work_free = trace_reader_free;
	reply->more = capture_more;
	reply->follows = true;
	control_reply_object(reply, json_pack("{s:b,s:b}", "ok", 1, "following", 1));
}
