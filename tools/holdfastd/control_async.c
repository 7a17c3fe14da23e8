/*
 * `async`: an asynchronous message of any code to one session (RFC 7143 11.9.1), and what it
 * announces.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"

#include "target/sense.h"

#define PARAMETERS 3

static const struct {
	const char *name;
	enum iscsi_async_event event;
} events[] = {
	{"scsi", ISCSI_ASYNC_SCSI},
	{"logout", ISCSI_ASYNC_LOGOUT_REQUEST},
	{"connection-drop", ISCSI_ASYNC_CONNECTION_DROP},
	{"session-drop", ISCSI_ASYNC_SESSION_DROP},
	{"negotiation", ISCSI_ASYNC_NEGOTIATION_REQUEST},
	{"task-termination", ISCSI_ASYNC_TASK_TERMINATION},
};

static bool read_event(const json_t *request, struct control_reply *reply, uint8_t *ret_event)
{
	const json_t *event = json_object_get(request, "event");
	const char *name = json_string_value(event);
	json_int_t number = json_integer_value(event);

	for (size_t i = 0; name && i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(events[i].name, name) != 0)
			continue;
		*ret_event = (uint8_t)events[i].event;
		return true;
	}
	if (json_is_integer(event) && number >= ISCSI_ASYNC_VENDOR_FIRST && number <= UINT8_MAX) {
		*ret_event = (uint8_t)number;
		return true;
	}
	control_reply_error(reply, "`event` must be one of scsi, logout, connection-drop, "
				   "session-drop, negotiation, task-termination, or a number of a "
				   "vendor, 248 to 255");
	return false;
}

/* A number that may be missing; then what it has stays. */
static bool read_number(const json_t *request, const char *name, json_int_t max,
			struct control_reply *reply, uint16_t *number)
{
	const json_t *value = json_object_get(request, name);

	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max) {
		control_reply_error(reply, "`%s` must be a number, 0 to %d", name, (int)max);
		return false;
	}
	*number = (uint16_t)json_integer_value(value);
	return true;
}

/* "6/3f/0e": sense key, ASC, ASCQ, in hex. */
static bool read_sense(const json_t *request, struct control_reply *reply,
		       uint8_t sense[SCSI_SENSE_MAX], struct iscsi_async_order *order)
{
	const json_t *value = json_object_get(request, "sense");
	unsigned key, asc, ascq;
	int end = -1;

	if (order->event != ISCSI_ASYNC_SCSI && !value)
		return true;
	const char *text = json_string_value(value);
	if (!text || order->event != ISCSI_ASYNC_SCSI ||
	    sscanf(text, "%1x/%2x/%2x%n", &key, &asc, &ascq, &end) != 3 || text[end] != '\0') {
		control_reply_error(reply, "`sense` must be \"KEY/ASC/ASCQ\" in hex, such as "
					   "\"6/3f/0e\", and goes with event scsi");
		return false;
	}
	order->sense = sense;
	order->sense_len =
		scsi_sense_encode(sense, false, (uint8_t)key, (uint8_t)asc, (uint8_t)ascq);
	return true;
}

static bool read_parameters(const json_t *request, struct control_reply *reply,
			    struct iscsi_async_order *order)
{
	const json_t *array = json_object_get(request, "parameters");
	bool sound = !array || (json_is_array(array) && json_array_size(array) <= PARAMETERS);

	for (size_t i = 0; sound && i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);
		json_int_t number = json_integer_value(value);

		sound = json_is_integer(value) && number >= 0 && number <= UINT16_MAX;
		order->parameters[i] = (uint16_t)number;
	}
	if (!sound)
		control_reply_error(reply, "`parameters` must be up to %d numbers, 0 to %d",
				    PARAMETERS, UINT16_MAX);
	return sound;
}

static bool read_order(const json_t *request, struct control_reply *reply,
		       uint8_t sense[SCSI_SENSE_MAX], struct iscsi_async_order *order)
{
	uint16_t lun = 0, code = 0;

	order->seconds = 1;
	order->one_connection = json_object_get(request, "cid") != NULL;
	if (!json_object_get(request, "tsih")) {
		control_reply_error(reply, "`tsih` must be that of a session");
		return false;
	}
	if (!read_event(request, reply, &order->event) ||
	    !read_number(request, "tsih", UINT16_MAX, reply, &order->tsih) ||
	    !read_number(request, "cid", UINT16_MAX, reply, &order->cid) ||
	    !read_number(request, "seconds", UINT16_MAX, reply, &order->seconds) ||
	    !read_number(request, "lun", SCSI_LUN_MAX, reply, &lun) ||
	    !read_number(request, "code", UINT8_MAX, reply, &code) ||
	    !read_sense(request, reply, sense, order) || !read_parameters(request, reply, order))
		return false;
	order->lun_bytes[1] = (uint8_t)lun; /* peripheral device addressing */
	order->vcode = (uint8_t)code;
	return true;
}

struct sending {
	const struct iscsi_async_order *order;
	int error;
};

/* One loop has the session, if any. */
static void send_order(const struct loop_part *part, void *context)
{
	struct sending *sending = context;

	if (sending->error == -ENOENT)
		sending->error = iscsi_node_send_async(part->node, sending->order);
}

void control_async(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct iscsi_async_order order = {0};
	uint8_t sense[SCSI_SENSE_MAX];

	if (!read_order(request, reply, sense, &order))
		return;
	struct sending sending = {&order, -ENOENT};
	loops_each(service, send_order, &sending);
	switch (-sending.error) {
	case 0:
		control_reply_object(reply, json_pack("{s:b,s:i,s:i}", "ok", 1, "tsih",
						      (int)order.tsih, "event", (int)order.event));
		return;
	case ENOENT:
		control_reply_error(reply, "there is no session with TSIH %u%s", order.tsih,
				    order.one_connection ? " that has such a connection" : "");
		return;
	default:
		control_reply_error(reply, "a discovery session is told nothing");
	}
}
