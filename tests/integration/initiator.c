#include "tests/integration/initiator.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pr_engine/bytes.h"

struct iscsi_context *initiator_try_login(const struct daemon *daemon,
					  const struct login_options *options)
{
	struct iscsi_context *initiator = iscsi_create_context(options->name);

	ck_assert_ptr_nonnull(initiator);
	/* libiscsi writes to a socket that the daemon has closed, when that was killed or cut it
	 * off. */
	signal(SIGPIPE, SIG_IGN);
	iscsi_set_noautoreconnect(initiator, 1);
	iscsi_set_timeout(initiator, 60);
	iscsi_set_targetname(initiator, daemon->target);
	iscsi_set_session_type(initiator, ISCSI_SESSION_NORMAL);
	iscsi_set_isid_random(initiator, options->isid, 0);
	iscsi_set_header_digest(initiator, options->header_digest ? ISCSI_HEADER_DIGEST_CRC32C
								  : ISCSI_HEADER_DIGEST_NONE);
	iscsi_set_initial_r2t(initiator, options->initial_r2t_no ? ISCSI_INITIAL_R2T_NO
								 : ISCSI_INITIAL_R2T_YES);
	iscsi_set_immediate_data(initiator, options->immediate_data_no ? ISCSI_IMMEDIATE_DATA_NO
								       : ISCSI_IMMEDIATE_DATA_YES);
	if (iscsi_connect_sync(initiator, daemon->portal) != 0 ||
	    iscsi_login_sync(initiator) != 0) {
		iscsi_destroy_context(initiator);
		return NULL;
	}
	return initiator;
}

struct iscsi_context *initiator_login(const struct daemon *daemon, const char *name, uint32_t isid)
{
	struct login_options options = {.name = name, .isid = isid};
	struct iscsi_context *initiator = initiator_try_login(daemon, &options);

	ck_assert_msg(initiator != NULL, "%s cannot log in to %s", name, daemon->portal);
	return initiator;
}

void initiator_logout(struct iscsi_context **initiator)
{
	if (!*initiator)
		return;
	iscsi_logout_sync(*initiator);
	iscsi_destroy_context(*initiator);
	*initiator = NULL;
}

void initiator_cut(struct iscsi_context **initiator)
{
	if (!*initiator)
		return;
	iscsi_destroy_context(*initiator);
	*initiator = NULL;
}

static struct answer answer_of(struct scsi_task *task)
{
	struct answer answer = {.status = -1};

	if (!task)
		return answer;
	if (task->status <= 0xff)
		answer.status = task->status;
	if (task->status == SCSI_STATUS_CHECK_CONDITION) {
		answer.key = (uint8_t)task->sense.key;
		answer.asc = (uint8_t)(task->sense.ascq >> 8);
		answer.ascq = (uint8_t)task->sense.ascq;
	}
	answer.data_len = task->datain.size;
	if (answer.data_len > 0)
		memcpy(answer.data, task->datain.data,
		       (size_t)(answer.data_len < (int)sizeof(answer.data)
					? answer.data_len
					: (int)sizeof(answer.data)));
	scsi_free_scsi_task(task);
	return answer;
}

struct answer initiator_command(struct iscsi_context *initiator, int lun, const uint8_t *cdb,
				int cdb_len, const void *out, int out_len, int in_len)
{
	unsigned char bytes[16] = {0};
	struct iscsi_data data = {.size = (size_t)out_len, .data = (unsigned char *)(uintptr_t)out};
	int direction = out_len > 0  ? SCSI_XFER_WRITE
			: in_len > 0 ? SCSI_XFER_READ
				     : SCSI_XFER_NONE;

	memcpy(bytes, cdb, (size_t)cdb_len);
	struct scsi_task *task =
		scsi_create_task(cdb_len, bytes, direction, out_len > 0 ? out_len : in_len);
	ck_assert_ptr_nonnull(task);
	struct scsi_task *done =
		iscsi_scsi_command_sync(initiator, lun, task, out_len > 0 ? &data : NULL);
	if (!done)
		scsi_free_scsi_task(task);
	return answer_of(done);
}

struct answer initiator_pr_out(struct iscsi_context *initiator, int lun, int action, int type,
			       uint64_t key, uint64_t action_key, bool aptpl)
{
	uint8_t cdb[10] = {0x5f, (uint8_t)action, (uint8_t)type, 0, 0, 0, 0, 0, 24, 0};
	uint8_t list[24] = {0};

	put_be64(list, key);
	put_be64(list + 8, action_key);
	list[20] = aptpl ? 1 : 0;
	return initiator_command(initiator, lun, cdb, sizeof(cdb), list, sizeof(list), 0);
}

struct answer initiator_pr_in(struct iscsi_context *initiator, int lun, int action)
{
	uint8_t cdb[10] = {0x5e, (uint8_t)action, 0, 0, 0, 0, 0, 0x10, 0, 0};
	return initiator_command(initiator, lun, cdb, sizeof(cdb), NULL, 0, 4096);
}

int initiator_read_keys(struct iscsi_context *initiator, int lun, uint64_t *ret_keys, int max)
{
	struct answer answer = initiator_pr_in(initiator, lun, 0);

	if (answer.status != SCSI_STATUS_GOOD || answer.data_len < 8)
		return -1;
	int count = (int)(get_be32(answer.data + 4) / 8);
	for (int i = 0; i < count && i < max; i++)
		ret_keys[i] = get_be64(answer.data + 8 + 8 * i);
	return count;
}

int initiator_read_reservation(struct iscsi_context *initiator, int lun, uint64_t *ret_key)
{
	struct answer answer = initiator_pr_in(initiator, lun, 1);

	if (answer.status != SCSI_STATUS_GOOD || answer.data_len < 8)
		return -1;
	if (get_be32(answer.data + 4) == 0)
		return 0;
	*ret_key = get_be64(answer.data + 8);
	return answer.data[21] & 0x0f;
}

struct answer initiator_test_unit_ready(struct iscsi_context *initiator, int lun)
{
	uint8_t cdb[6] = {0};
	return initiator_command(initiator, lun, cdb, sizeof(cdb), NULL, 0, 0);
}

struct answer initiator_write(struct iscsi_context *initiator, int lun, uint32_t lba,
			      const void *data, int blocks)
{
	uint8_t cdb[10] = {0x2a};

	put_be32(cdb + 2, lba);
	put_be16(cdb + 7, (uint16_t)blocks);
	return initiator_command(initiator, lun, cdb, sizeof(cdb), data, blocks * 512, 0);
}

int initiator_read(struct iscsi_context *initiator, int lun, uint32_t lba, void *ret_data,
		   int blocks)
{
	struct scsi_task *task =
		iscsi_read10_sync(initiator, lun, lba, (uint32_t)blocks * 512, 512, 0, 0, 0, 0, 0);
	int status = -1;

	if (task && task->status <= 0xff)
		status = task->status;
	if (status == SCSI_STATUS_GOOD && task->datain.size == blocks * 512)
		memcpy(ret_data, task->datain.data, (size_t)blocks * 512);
	else if (status == SCSI_STATUS_GOOD)
		status = -1;
	if (task)
		scsi_free_scsi_task(task);
	return status;
}

int initiator_drain(struct iscsi_context *initiator, int lun)
{
	struct answer answer;

	for (int i = 0; i < 16; i++) {
		answer = initiator_test_unit_ready(initiator, lun);
		if (answer.status != SCSI_STATUS_CHECK_CONDITION || answer.key != 6)
			break;
	}
	return answer.status;
}

void initiator_proves_service(struct iscsi_context *initiator)
{
	uint8_t out[4096], in[4096];

	memset(out, 0x5a, sizeof(out));
	ck_assert_int_eq(initiator_write(initiator, 0, 3, out, 8).status, SCSI_STATUS_GOOD);
	ck_assert_int_eq(initiator_read(initiator, 0, 3, in, 8), SCSI_STATUS_GOOD);
	ck_assert_mem_eq(in, out, sizeof(in));
}
