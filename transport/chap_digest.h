/*
 * The digests of CHAP (RFC 1994 and the registered CHAP algorithms), by libcrypto: functions of
 * bytes, nothing else. Only here is libcrypto known.
 */
#ifndef TRANSPORT_CHAP_DIGEST_H
#define TRANSPORT_CHAP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISCSI_CHAP_DIGEST_MAX 32 /* bytes of the longest response */

struct iscsi_chap_algorithm {
	uint8_t number; /* in CHAP_A */
	uint8_t len;	/* bytes of its response */
	const char *digest;
};

/* NULL: no such algorithm, or this libcrypto does not have its digest. */
const struct iscsi_chap_algorithm *iscsi_chap_algorithm_find(uint64_t number);

/* Writes algorithm->len bytes: H(id, secret, challenge). False: no memory; nothing is written. */
bool iscsi_chap_response(const struct iscsi_chap_algorithm *algorithm, uint8_t id,
			 const uint8_t *secret, size_t secret_len, const uint8_t *challenge,
			 size_t challenge_len, uint8_t ret_response[ISCSI_CHAP_DIGEST_MAX]);

/* In a time that depends on `len` alone. */
bool iscsi_chap_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
