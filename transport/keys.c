#include "transport/keys.h"

#include <string.h>

#define NAME_BYTES   223u
#define SIMPLE_BYTES 255u /* of a simple value, decoded (RFC 7143 6.1) */
/* 1024 bytes of binary (RFC 7143 12.1.4) in hex, with 0x in front. */
#define CHAP_BYTES  2050u
#define SEGMENT_MIN 512u
#define SEGMENT_MAX 0xffffffu

#define PARAM(field)  .param_place = offsetof(struct iscsi_params, field) + 1
#define POLICY(field) .policy_place = offsetof(struct iscsi_policy, field) + 1

#define LO	    .use = ISCSI_USE_LEADING_ONLY, .sender = ISCSI_FROM_BOTH
#define IO	    .use = ISCSI_USE_INITIALIZATION_ONLY, .sender = ISCSI_FROM_BOTH
#define SESSION	    .scope = ISCSI_SCOPE_SESSION
#define CONNECTION  .scope = ISCSI_SCOPE_CONNECTION
#define OPERATIONAL .stage = ISCSI_KEY_STAGE_OPERATIONAL
#define SECURITY    .stage = ISCSI_KEY_STAGE_SECURITY
#define ANY_STAGE   .stage = ISCSI_KEY_STAGE_ANY
#define SAME	    .discovery = ISCSI_DISCOVERY_SAME
#define IRRELEVANT  .discovery = ISCSI_DISCOVERY_IRRELEVANT

#define NUMBER(low, high, value) \
	.type = ISCSI_TYPE_NUMBER, .min = (low), .max = (high), .default_value = (value)
#define BOOLEAN(value) .type = ISCSI_TYPE_BOOLEAN, .max = 1, .default_value = (value)
#define BYTES(t, high) .type = ISCSI_TYPE_##t, .max = (high)
#define FUNCTION(f)    .function = ISCSI_FUNCTION_##f

/* A key of RFC 7145: iSER is another transport, on which these are negotiated. */
#define ISER(key)                                                                          \
	{                                                                                  \
		.name = (key), IO, CONNECTION, ANY_STAGE, SAME, BYTES(TEXT, SIMPLE_BYTES), \
		FUNCTION(NOT_UNDERSTOOD)                                                   \
	}
#define CHAP(key, high)                                                           \
	{                                                                         \
		.name = (key), IO, CONNECTION, SECURITY, SAME, BYTES(TEXT, high), \
		FUNCTION(AUTHENTICATE)                                            \
	}
#define DIGEST(key, field)                                                                   \
	{                                                                                    \
		.name = (key), IO, CONNECTION, OPERATIONAL, SAME, BYTES(LIST, SIMPLE_BYTES), \
		FUNCTION(CHOOSE), .choices = {"None", "CRC32C"}, PARAM(field),               \
		POLICY(field##_crc32c)                                                       \
	}
#define MARKER(key, t, f)                                                      \
	{                                                                      \
		.name = (key), .use = ISCSI_USE_INITIALIZATION_ONLY,           \
		.sender = ISCSI_FROM_INITIATOR, CONNECTION, OPERATIONAL, SAME, \
		BYTES(t, SIMPLE_BYTES), FUNCTION(f)                            \
	}

/* clang-format off */
static const struct iscsi_key rows[ISCSI_KEY_COUNT] = {
	[ISCSI_KEY_UNKNOWN] = {
		.name = "", .use = ISCSI_USE_ALL, .sender = ISCSI_FROM_BOTH, CONNECTION, ANY_STAGE,
		SAME, BYTES(TEXT, UINT32_MAX), FUNCTION(NOT_UNDERSTOOD)},

	/* Who and what (RFC 7143 13.4 to 13.9, 13.21). */
	[ISCSI_KEY_SESSION_TYPE] = {
		.name = "SessionType", .use = ISCSI_USE_LEADING_ONLY,
		.sender = ISCSI_FROM_INITIATOR, SESSION, ANY_STAGE, SAME,
		BYTES(TEXT, SIMPLE_BYTES), FUNCTION(DECLARE)},
	[ISCSI_KEY_INITIATOR_NAME] = {
		.name = "InitiatorName", .use = ISCSI_USE_INITIALIZATION_ONLY,
		.sender = ISCSI_FROM_INITIATOR, SESSION, ANY_STAGE, SAME,
		BYTES(NAME, NAME_BYTES), FUNCTION(DECLARE)},
	[ISCSI_KEY_INITIATOR_ALIAS] = {
		.name = "InitiatorAlias", .use = ISCSI_USE_ALL, .sender = ISCSI_FROM_INITIATOR,
		SESSION, ANY_STAGE, SAME, BYTES(TEXT, SIMPLE_BYTES), FUNCTION(DECLARE)},
	[ISCSI_KEY_TARGET_NAME] = {
		.name = "TargetName", IO, SESSION, ANY_STAGE, SAME, BYTES(NAME, NAME_BYTES),
		FUNCTION(DECLARE)},
	[ISCSI_KEY_TARGET_ALIAS] = {
		.name = "TargetAlias", .use = ISCSI_USE_ALL, .sender = ISCSI_FROM_TARGET, SESSION,
		ANY_STAGE, SAME, BYTES(TEXT, SIMPLE_BYTES), FUNCTION(DECLARE)},
	[ISCSI_KEY_TARGET_ADDRESS] = {
		.name = "TargetAddress", .use = ISCSI_USE_ALL, .sender = ISCSI_FROM_TARGET,
		SESSION, ANY_STAGE, SAME, BYTES(TEXT, SIMPLE_BYTES), FUNCTION(DECLARE)},
	[ISCSI_KEY_TARGET_PORTAL_GROUP_TAG] = {
		.name = "TargetPortalGroupTag", .use = ISCSI_USE_INITIALIZATION_ONLY,
		.sender = ISCSI_FROM_TARGET, SESSION, ANY_STAGE, SAME, NUMBER(0, 65535, 0),
		FUNCTION(DECLARE)},

	/* Authentication (RFC 7143 12.1). */
	[ISCSI_KEY_AUTH_METHOD] = {
		.name = "AuthMethod", IO, CONNECTION, SECURITY, SAME, BYTES(LIST, SIMPLE_BYTES),
		FUNCTION(AUTHENTICATE)},
	[ISCSI_KEY_CHAP_A] = CHAP("CHAP_A", SIMPLE_BYTES),
	[ISCSI_KEY_CHAP_I] = CHAP("CHAP_I", SIMPLE_BYTES),
	[ISCSI_KEY_CHAP_C] = CHAP("CHAP_C", CHAP_BYTES),
	[ISCSI_KEY_CHAP_N] = CHAP("CHAP_N", SIMPLE_BYTES),
	[ISCSI_KEY_CHAP_R] = CHAP("CHAP_R", CHAP_BYTES),

	/* Of the connection (RFC 7143 13.1, 13.12). */
	[ISCSI_KEY_HEADER_DIGEST] = DIGEST("HeaderDigest", header_digest),
	[ISCSI_KEY_DATA_DIGEST] = DIGEST("DataDigest", data_digest),
	[ISCSI_KEY_MAX_RECV_DATA_SEGMENT_LENGTH] = {
		.name = "MaxRecvDataSegmentLength", .use = ISCSI_USE_ALL,
		.sender = ISCSI_FROM_BOTH, CONNECTION, OPERATIONAL, SAME,
		NUMBER(SEGMENT_MIN, SEGMENT_MAX, 8192), FUNCTION(DECLARE),
		PARAM(max_send_data_segment_len), POLICY(max_recv_data_segment_len)},

	/* Of the session (RFC 7143 13.2, 13.10 to 13.20). */
	[ISCSI_KEY_MAX_CONNECTIONS] = {
		.name = "MaxConnections", LO, SESSION, OPERATIONAL, IRRELEVANT,
		NUMBER(1, 65535, 1), FUNCTION(MIN), PARAM(max_connections),
		POLICY(max_connections)},
	[ISCSI_KEY_SEND_TARGETS] = {
		.name = "SendTargets", .use = ISCSI_USE_FULL_FEATURE_ONLY,
		.sender = ISCSI_FROM_INITIATOR, SESSION, .stage = ISCSI_KEY_STAGE_NONE, SAME,
		BYTES(TEXT, SIMPLE_BYTES), FUNCTION(SEND_TARGETS)},
	[ISCSI_KEY_INITIAL_R2T] = {
		.name = "InitialR2T", LO, SESSION, OPERATIONAL, IRRELEVANT, BOOLEAN(1),
		FUNCTION(OR), PARAM(initial_r2t), POLICY(initial_r2t)},
	[ISCSI_KEY_IMMEDIATE_DATA] = {
		.name = "ImmediateData", LO, SESSION, OPERATIONAL, IRRELEVANT, BOOLEAN(1),
		FUNCTION(AND), PARAM(immediate_data), POLICY(immediate_data)},
	[ISCSI_KEY_MAX_BURST_LENGTH] = {
		.name = "MaxBurstLength", LO, SESSION, OPERATIONAL, IRRELEVANT,
		NUMBER(SEGMENT_MIN, SEGMENT_MAX, 262144), FUNCTION(MIN), PARAM(max_burst_len),
		POLICY(max_burst_len)},
	[ISCSI_KEY_FIRST_BURST_LENGTH] = {
		.name = "FirstBurstLength", LO, SESSION, OPERATIONAL, IRRELEVANT,
		NUMBER(SEGMENT_MIN, SEGMENT_MAX, 65536), FUNCTION(MIN), PARAM(first_burst_len),
		POLICY(first_burst_len)},
	[ISCSI_KEY_DEFAULT_TIME2WAIT] = {
		.name = "DefaultTime2Wait", LO, SESSION, OPERATIONAL, SAME, NUMBER(0, 3600, 2),
		FUNCTION(MAX), PARAM(default_time2wait), POLICY(default_time2wait)},
	[ISCSI_KEY_DEFAULT_TIME2RETAIN] = {
		.name = "DefaultTime2Retain", LO, SESSION, OPERATIONAL, SAME, NUMBER(0, 3600, 20),
		FUNCTION(MIN), PARAM(default_time2retain), POLICY(default_time2retain)},
	[ISCSI_KEY_DATA_PDU_IN_ORDER] = {
		.name = "DataPDUInOrder", LO, SESSION, OPERATIONAL, IRRELEVANT, BOOLEAN(1),
		FUNCTION(OR), PARAM(data_pdu_in_order), POLICY(data_pdu_in_order)},
	[ISCSI_KEY_DATA_SEQUENCE_IN_ORDER] = {
		.name = "DataSequenceInOrder", LO, SESSION, OPERATIONAL, IRRELEVANT, BOOLEAN(1),
		FUNCTION(OR), PARAM(data_sequence_in_order), POLICY(data_sequence_in_order)},
	[ISCSI_KEY_ERROR_RECOVERY_LEVEL] = {
		.name = "ErrorRecoveryLevel", LO, SESSION, OPERATIONAL,
		.discovery = ISCSI_DISCOVERY_DEFAULT, NUMBER(0, 2, 0), FUNCTION(MIN),
		PARAM(error_recovery_level), POLICY(error_recovery_level)},
	[ISCSI_KEY_MAX_OUTSTANDING_R2T] = {
		.name = "MaxOutstandingR2T", LO, SESSION, OPERATIONAL, IRRELEVANT,
		NUMBER(1, 65535, 1), FUNCTION(MIN), PARAM(max_outstanding_r2t),
		POLICY(max_outstanding_r2t)},

	/* RFC 7143 13.23 to 13.26 */
	[ISCSI_KEY_TASK_REPORTING] = {
		.name = "TaskReporting", LO, SESSION, OPERATIONAL, IRRELEVANT,
		BYTES(LIST, SIMPLE_BYTES), FUNCTION(CHOOSE), .choices = {"RFC3720"}},
	[ISCSI_KEY_PROTOCOL_LEVEL] = {
		.name = "iSCSIProtocolLevel", LO, SESSION, OPERATIONAL, IRRELEVANT,
		NUMBER(0, 31, 1), FUNCTION(MIN), PARAM(protocol_level), .ours = 2},
	[ISCSI_KEY_NODE_ARCHITECTURE] = {
		.name = "X#NodeArchitecture", LO, SESSION, OPERATIONAL, SAME,
		BYTES(TEXT, SIMPLE_BYTES), FUNCTION(DECLARE)},

	/* What RFC 3720 had and RFC 7143 13.25 makes obsolete; never NotUnderstood. */
	[ISCSI_KEY_IF_MARKER] = MARKER("IFMarker", BOOLEAN, NO),
	[ISCSI_KEY_OF_MARKER] = MARKER("OFMarker", BOOLEAN, NO),
	[ISCSI_KEY_IF_MARK_INT] = MARKER("IFMarkInt", TEXT, REJECT),
	[ISCSI_KEY_OF_MARK_INT] = MARKER("OFMarkInt", TEXT, REJECT),

	[ISCSI_KEY_RDMA_EXTENSIONS] = ISER("RDMAExtensions"),
	[ISCSI_KEY_INITIATOR_RECV_DATA_SEGMENT_LENGTH] = ISER("InitiatorRecvDataSegmentLength"),
	[ISCSI_KEY_TARGET_RECV_DATA_SEGMENT_LENGTH] = ISER("TargetRecvDataSegmentLength"),
	[ISCSI_KEY_MAX_OUTSTANDING_UNEXPECTED_PDUS] = ISER("MaxOutstandingUnexpectedPDUs"),
	[ISCSI_KEY_MAX_AHS_LENGTH] = ISER("MaxAHSLength"),
	[ISCSI_KEY_TAGGED_BUFFER_FOR_SOLICITED_DATA_ONLY] =
		ISER("TaggedBufferForSolicitedDataOnly"),
	[ISCSI_KEY_ISER_HELLO_REQUIRED] = ISER("iSERHelloRequired"),
};
/* clang-format on */

const struct iscsi_key *iscsi_key_row(enum iscsi_key_id id)
{
	return &rows[id];
}

enum iscsi_key_id iscsi_key_find(const char *name)
{
	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++)
		if (strcmp(rows[id].name, name) == 0)
			return (enum iscsi_key_id)id;
	return ISCSI_KEY_UNKNOWN;
}

bool iscsi_key_in_stage(const struct iscsi_key *key, enum iscsi_stage stage)
{
	switch (stage) {
	case ISCSI_STAGE_SECURITY:
		return key->stage == ISCSI_KEY_STAGE_SECURITY || key->stage == ISCSI_KEY_STAGE_ANY;
	case ISCSI_STAGE_OPERATIONAL:
		return key->stage == ISCSI_KEY_STAGE_OPERATIONAL ||
		       key->stage == ISCSI_KEY_STAGE_ANY;
	case ISCSI_STAGE_FULL_FEATURE:
		return key->use == ISCSI_USE_ALL || key->use == ISCSI_USE_FULL_FEATURE_ONLY;
	}
	return false;
}

/* Booleans and choices of two are kept as bool, numbers as uint32_t. */
static bool is_number(const struct iscsi_key *key)
{
	return key->type == ISCSI_TYPE_NUMBER;
}

static uint32_t read_place(const struct iscsi_key *key, const void *base, size_t place)
{
	const char *from = (const char *)base + place - 1;
	uint32_t number;
	bool flag;

	if (is_number(key)) {
		memcpy(&number, from, sizeof(number));
		return number;
	}
	memcpy(&flag, from, sizeof(flag));
	return flag;
}

bool iscsi_key_get(const struct iscsi_key *key, const struct iscsi_params *params,
		   uint32_t *ret_value)
{
	if (key->param_place == 0)
		return false;
	*ret_value = read_place(key, params, key->param_place);
	return true;
}

void iscsi_key_set(const struct iscsi_key *key, struct iscsi_params *params, uint32_t value)
{
	char *to = (char *)params + key->param_place - 1;
	bool flag = value != 0;

	if (key->param_place == 0)
		return;
	if (is_number(key))
		memcpy(to, &value, sizeof(value));
	else
		memcpy(to, &flag, sizeof(flag));
}

uint32_t iscsi_key_ours(const struct iscsi_key *key, const struct iscsi_policy *policy)
{
	if (key->policy_place == 0)
		return key->ours;
	return read_place(key, policy, key->policy_place);
}
