#include "target/unit_attention.h"

#include <assert.h>
#include <stddef.h>

struct ua_code {
	uint8_t asc, ascq;
};

static const struct ua_code ua_codes[SCSI_UA_COUNT] = {
	[SCSI_UA_POWER_ON] = {0x29, 0x01},
	[SCSI_UA_BUS_RESET] = {0x29, 0x02},
	[SCSI_UA_LOGICAL_UNIT_RESET] = {0x29, 0x03},
	[SCSI_UA_NEXUS_LOSS] = {0x29, 0x07},
	[SCSI_UA_MODE_PARAMETERS_CHANGED] = {0x2a, 0x01},
	[SCSI_UA_RESERVATIONS_PREEMPTED] = {0x2a, 0x03},
	[SCSI_UA_RESERVATIONS_RELEASED] = {0x2a, 0x04},
	[SCSI_UA_REGISTRATIONS_PREEMPTED] = {0x2a, 0x05},
	[SCSI_UA_CAPACITY_CHANGED] = {0x2a, 0x09},
	[SCSI_UA_COMMANDS_CLEARED] = {0x2f, 0x00},
	[SCSI_UA_INQUIRY_DATA_CHANGED] = {0x3f, 0x03},
	[SCSI_UA_REPORTED_LUNS_CHANGED] = {0x3f, 0x0e},
	[SCSI_UA_MEDIUM_MAY_HAVE_CHANGED] = {0x28, 0x00},
	[SCSI_UA_TASKS_CLEARED_BY_TRANSPORT] = {0x47, 0x7f},
};

bool scsi_ua_first(scsi_ua_set set, enum scsi_unit_attention *ret_ua)
{
	for (unsigned ua = 0; ua < SCSI_UA_COUNT; ua++) {
		if (set >> ua & 1) {
			*ret_ua = (enum scsi_unit_attention)ua;
			return true;
		}
	}
	return false;
}

bool scsi_ua_take(scsi_ua_set *set, enum scsi_unit_attention *ret_ua)
{
	enum scsi_unit_attention ua;

	if (!scsi_ua_first(*set, &ua))
		return false;
	*set &= ~((scsi_ua_set)1 << ua);
	*ret_ua = ua;
	return true;
}

void scsi_ua_code(enum scsi_unit_attention ua, uint8_t *ret_asc, uint8_t *ret_ascq)
{
	assert(ua < SCSI_UA_COUNT);
	*ret_asc = ua_codes[ua].asc;
	*ret_ascq = ua_codes[ua].ascq;
}
