#include "transport/params.h"

#include "transport/keys.h"

void iscsi_params_defaults(struct iscsi_params *params)
{
	*params = (struct iscsi_params){0};
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		iscsi_key_set(key, params, key->default_value);
	}
	/* The one key whose two directions are apart. */
	params->max_recv_data_segment_len = params->max_send_data_segment_len;
}

void iscsi_policy_defaults(struct iscsi_policy *policy)
{
	*policy = (struct iscsi_policy){
		.max_connections = 1,
		.initial_r2t = false,
		.immediate_data = true,
		.max_burst_len = 1024 * 1024,
		.first_burst_len = 256 * 1024,
		.max_recv_data_segment_len = 256 * 1024,
		.max_outstanding_r2t = 8,
		.data_pdu_in_order = true,
		.data_sequence_in_order = true,
		.error_recovery_level = 0,
		.default_time2wait = 2,
		/* A session whose last connection is lost is lost (conn.h): nothing is retained. */
		.default_time2retain = 0,
		.header_digest_crc32c = true,
		.data_digest_crc32c = true,
		.chap_md5 = true,
		.chap_sha1 = true,
		.strict = false,
	};
}
