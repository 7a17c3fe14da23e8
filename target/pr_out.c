/*
 * PERSISTENT RESERVE OUT (SPC-4 6.16): the CDB and the parameter list, up to the queue.
 */
#include <stdlib.h>
#include <string.h>

#include "target/command.h"
#include "target/pr_commit.h"
#include "target/transport_id.h"

#define LIST_BASIC_LEN	   24
#define LIST_SPEC_I_PT_LEN 28 /* with the length of the TransportIDs */
#define LIST_MOVE_MIN_LEN  48 /* REGISTER AND MOVE: 24 and the shortest TransportID */
#define LIST_MAX_LEN	   8192

#define FLAG_SPEC_I_PT	0x08 /* byte 20 */
#define FLAG_ALL_TG_PT	0x04
#define FLAG_APTPL	0x01
#define FLAG_MOVE_UNREG 0x02 /* byte 17 */
#define FLAG_MOVE_APTPL 0x01

static enum pr_out_action task_action(const struct scsi_task *task)
{
	return (enum pr_out_action)task->command->service_action;
}

static bool takes_initiator_ports(const struct scsi_task *task)
{
	return task_action(task) == PR_OUT_REGISTER &&
	       task->lun->config.profile->specify_initiator_ports;
}

/* As far as it can be judged without the list itself. */
static bool list_len_is_possible(const struct scsi_task *task, uint32_t len)
{
	if (task_action(task) == PR_OUT_REGISTER_AND_MOVE)
		return len >= LIST_MOVE_MIN_LEN && len <= LIST_MAX_LEN;
	if (len == LIST_BASIC_LEN)
		return true;
	return takes_initiator_ports(task) && len >= LIST_SPEC_I_PT_LEN && len <= LIST_MAX_LEN;
}

enum scsi_result scsi_persistent_reserve_out(struct scsi_task *task)
{
	/* Bytes 5 to 8 as one number, also where the DLT-S4 defines but the last two. */
	uint32_t len = get_be32(task->cdb + 5);

	if (!list_len_is_possible(task, len) || task->expected_out < len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		task->transfer_len = len;
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

/* ---- the parameter list ---- */

static void request_free(void *work)
{
	struct pr_commit_request *request = work;

	free(request->named);
	free(request->drain);
	free(request);
}

static void set_named(struct pr_commit_request *request, const struct transport_id *id,
		      uint16_t relative_target_port_id)
{
	struct pr_nexus_id *named = &request->named[request->request.named_count++];

	memcpy(named->initiator_name, id->initiator_name, sizeof(named->initiator_name));
	memcpy(named->isid, id->isid, PR_ISID_LEN);
	named->relative_target_port_id = relative_target_port_id;
}

/*
 * The TransportIDs behind byte 28. One that names a device only is refused: which of its ports
 * would be meant is not known (the sheet, 1.5). False: the list's length is wrong.
 */
static bool parse_initiator_ports(struct pr_commit_request *request, const uint8_t *list,
				  uint32_t len)
{
	if (len < LIST_SPEC_I_PT_LEN || get_be32(list + 24) != len - LIST_SPEC_I_PT_LEN)
		return false;
	struct byte_reader in =
		byte_reader_over(list + LIST_SPEC_I_PT_LEN, len - LIST_SPEC_I_PT_LEN);
	while (byte_reader_left(&in) > 0) {
		struct transport_id id;
		uint16_t at = (uint16_t)(LIST_SPEC_I_PT_LEN + in.at);

		if (!transport_id_take(&in, &id) || !id.has_isid) {
			request->wrong_byte = at;
			request->request.named_count = 0;
			break;
		}
		set_named(request, &id, request->request.nexus.relative_target_port_id);
	}
	return true;
}

/* False: the list's length is wrong. */
static bool parse_basic(struct pr_commit_request *request, const uint8_t *list, uint32_t len)
{
	struct pr_request *out = &request->request;

	out->spec_i_pt = (list[20] & FLAG_SPEC_I_PT) != 0;
	out->all_tg_pt = (list[20] & FLAG_ALL_TG_PT) != 0;
	out->aptpl = (list[20] & FLAG_APTPL) != 0;
	request->aptpl_byte = 20;
	if (out->spec_i_pt && takes_initiator_ports(request->task))
		return parse_initiator_ports(request, list, len);
	return len == LIST_BASIC_LEN;
}

/* False: the list's length is wrong. */
static bool parse_move(struct pr_commit_request *request, const uint8_t *list, uint32_t len)
{
	struct pr_request *out = &request->request;
	uint32_t id_len = get_be32(list + 20);
	struct transport_id id = {0};

	out->unreg = (list[17] & FLAG_MOVE_UNREG) != 0;
	out->aptpl = (list[17] & FLAG_MOVE_APTPL) != 0;
	request->aptpl_byte = 17;
	if (id_len != len - LIST_BASIC_LEN)
		return false;
	struct byte_reader in = byte_reader_over(list + LIST_BASIC_LEN, id_len);
	if (!transport_id_take(&in, &id) || byte_reader_left(&in) != 0)
		request->wrong_byte = LIST_BASIC_LEN;
	request->named_by_name = request->wrong_byte == 0 && !id.has_isid;
	/* A TransportID at fault leaves an empty name here, which is nobody's. */
	set_named(request, &id, get_be16(list + 18));
	return true;
}

static bool parse_list(struct pr_commit_request *request, const uint8_t *list, uint32_t len)
{
	struct scsi_task *task = request->task;
	struct pr_request *out = &request->request;

	out->action = task_action(task);
	out->scope = task->cdb[2] >> 4;
	out->type = task->cdb[2] & 0x0f;
	out->reservation_key = get_be64(list);
	out->service_action_key = get_be64(list + 8);
	out->nexus = task->nexus->id;
	out->named = request->named;
	out->target_ports = task->nexus->target->config.ports;
	out->target_port_count = task->nexus->target->config.port_count;
	if (out->action == PR_OUT_REGISTER_AND_MOVE)
		return parse_move(request, list, len);
	return parse_basic(request, list, len);
}

/* With room for every TransportID that could be in the list. */
static struct pr_commit_request *request_create(struct scsi_task *task)
{
	struct pr_commit_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->task = task;
	request->named = calloc(1 + task->data_out_len / TRANSPORT_ID_MIN, sizeof(*request->named));
	if (task_action(task) == PR_OUT_PREEMPT_AND_ABORT)
		request->drain = calloc(1, sizeof(*request->drain));
	task->work = request;
	task->work_free = request_free;
	if (!request->named || (task_action(task) == PR_OUT_PREEMPT_AND_ABORT && !request->drain))
		return NULL;
	return request;
}

enum scsi_result scsi_persistent_reserve_out_data(struct scsi_task *task)
{
	struct pr_commit_request *request = request_create(task);

	if (!request) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return SCSI_DONE;
	}
	if (!parse_list(request, task->data_out, task->data_out_len)) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	pr_commit_submit(task->lun->pr, request);
	return SCSI_PENDING;
}
