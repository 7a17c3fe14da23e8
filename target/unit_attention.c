#include "target/unit_attention.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct ua_code {
	uint8_t asc, ascq;
};

static const struct ua_code ua_codes[SCSI_UA_COUNT] = {
	[SCSI_UA_POWER_ON] = {0x29, 0x01},
	[SCSI_UA_BUS_RESET] = {0x29, 0x02},
	[SCSI_UA_LOGICAL_UNIT_RESET] = {0x29, 0x03},
	[SCSI_UA_NEXUS_LOSS] = {0x29, 0x07},
	[SCSI_UA_PREVIOUS_BUSY] = {0x2c, 0x07},
	[SCSI_UA_PREVIOUS_TASK_SET_FULL] = {0x2c, 0x08},
	[SCSI_UA_PREVIOUS_RESERVATION_CONFLICT] = {0x2c, 0x09},
	[SCSI_UA_MODE_PARAMETERS_CHANGED] = {0x2a, 0x01},
	[SCSI_UA_LOG_PARAMETERS_CHANGED] = {0x2a, 0x02},
	[SCSI_UA_RESERVATIONS_PREEMPTED] = {0x2a, 0x03},
	[SCSI_UA_RESERVATIONS_RELEASED] = {0x2a, 0x04},
	[SCSI_UA_REGISTRATIONS_PREEMPTED] = {0x2a, 0x05},
	[SCSI_UA_ACCESS_STATE_CHANGED] = {0x2a, 0x06},
	[SCSI_UA_CAPACITY_CHANGED] = {0x2a, 0x09},
	[SCSI_UA_COMMANDS_CLEARED] = {0x2f, 0x00},
	[SCSI_UA_INQUIRY_DATA_CHANGED] = {0x3f, 0x03},
	[SCSI_UA_IDENTIFIER_CHANGED] = {0x3f, 0x05},
	[SCSI_UA_REPORTED_LUNS_CHANGED] = {0x3f, 0x0e},
	[SCSI_UA_MEDIUM_MAY_HAVE_CHANGED] = {0x28, 0x00},
	[SCSI_UA_TASKS_CLEARED_BY_TRANSPORT] = {0x47, 0x7f},
};

static bool is_reset(enum scsi_unit_attention ua)
{
	return ua_codes[ua].asc == 0x29;
}

static void queue_remove(struct scsi_ua_queue *queue, unsigned at)
{
	queue->count--;
	memmove(queue->pending + at, queue->pending + at + 1, queue->count - at);
}

/* There is at most one of the 29h family, and it is the first. */
static void raise_reset(struct scsi_ua_queue *queue, enum scsi_unit_attention ua)
{
	if (queue->count > 0 && is_reset(queue->pending[0])) {
		if (ua < queue->pending[0])
			queue->pending[0] = (uint8_t)ua;
		return;
	}
	memmove(queue->pending + 1, queue->pending, queue->count);
	queue->pending[0] = (uint8_t)ua;
	queue->count++;
}

void scsi_ua_raise(struct scsi_ua_queue *queue, enum scsi_unit_attention ua)
{
	assert(ua < SCSI_UA_COUNT);
	if (is_reset(ua)) {
		raise_reset(queue, ua);
		return;
	}
	for (unsigned i = 0; i < queue->count; i++)
		if (queue->pending[i] == ua)
			return;
	queue->pending[queue->count++] = (uint8_t)ua;
}

bool scsi_ua_first(const struct scsi_ua_queue *queue, enum scsi_unit_attention *ret_ua)
{
	if (queue->count == 0)
		return false;
	*ret_ua = (enum scsi_unit_attention)queue->pending[0];
	return true;
}

bool scsi_ua_take(struct scsi_ua_queue *queue, enum scsi_unit_attention *ret_ua)
{
	if (!scsi_ua_first(queue, ret_ua))
		return false;
	queue_remove(queue, 0);
	return true;
}

void scsi_ua_clear(struct scsi_ua_queue *queue, enum scsi_unit_attention ua)
{
	for (unsigned i = 0; i < queue->count; i++) {
		if (queue->pending[i] == ua) {
			queue_remove(queue, i);
			return;
		}
	}
}

void scsi_ua_code(enum scsi_unit_attention ua, uint8_t *ret_asc, uint8_t *ret_ascq)
{
	assert(ua < SCSI_UA_COUNT);
	*ret_asc = ua_codes[ua].asc;
	*ret_ascq = ua_codes[ua].ascq;
}
