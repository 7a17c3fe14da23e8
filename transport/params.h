/*
 * What login negotiates (RFC 7143 13), as plain values.
 */
#ifndef TRANSPORT_PARAMS_H
#define TRANSPORT_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

struct iscsi_params {
	/* Of the session. */
	uint32_t max_connections;
	bool initial_r2t;
	bool immediate_data;
	uint32_t max_burst_len;	  /* bytes */
	uint32_t first_burst_len; /* bytes */
	uint32_t max_outstanding_r2t;
	bool data_pdu_in_order;
	bool data_sequence_in_order;
	uint32_t error_recovery_level;
	uint32_t default_time2wait;   /* seconds */
	uint32_t default_time2retain; /* seconds */
	uint32_t protocol_level;      /* iSCSIProtocolLevel: 2 has the functions of RFC 7144 */
	/* Of the connection. */
	bool header_digest;
	bool data_digest;
	uint32_t max_recv_data_segment_len; /* ours: what we declare, bytes */
	uint32_t max_send_data_segment_len; /* the initiator's declaration, bytes */
};

/* The defaults of RFC 7143 13, i.e. what holds for a key that nobody mentions. */
void iscsi_params_defaults(struct iscsi_params *params);

/* What the target wants and allows: the daemon's configuration. */
struct iscsi_policy {
	uint32_t max_connections;
	bool initial_r2t;    /* our preference; result is the OR */
	bool immediate_data; /* result is the AND */
	uint32_t max_burst_len, first_burst_len, max_recv_data_segment_len; /* bytes */
	uint32_t max_outstanding_r2t;
	bool data_pdu_in_order, data_sequence_in_order; /* our preference; result is the OR */
	uint32_t error_recovery_level;
	uint32_t default_time2wait, default_time2retain; /* seconds */
	bool header_digest_crc32c; /* offered? None is always accepted unless digests are required
				    */
	bool data_digest_crc32c;
	bool chap_md5, chap_sha1; /* algorithms 5 and 6, which are weak, may be chosen */
	bool strict; /* refuse what RFC 7143 forbids but initiators do (identical repeats of a key)
		      */
};
void iscsi_policy_defaults(struct iscsi_policy *policy);

#endif
