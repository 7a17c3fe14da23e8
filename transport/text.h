/*
 * Text keys (RFC 7143 6.1): `key=value` pairs, each closed by a NUL.
 */
#ifndef TRANSPORT_TEXT_H
#define TRANSPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISCSI_KEY_MAX	63
#define ISCSI_PAIRS_MAX 256 /* limit: pairs in one logical text */

/* Walks over a logical text. key and value are borrowed, NUL-terminated. False at the end, or with
 * *ret_bad set when the text is malformed (no '=', no NUL at the end, empty or over-long key). */
struct iscsi_text_reader {
	const char *at, *end;
	unsigned pairs;
};
void iscsi_text_reader_init(struct iscsi_text_reader *reader, const void *text, size_t len);
/* `key` gets a copy, because '=' is not overwritten; `value` points into the text. */
bool iscsi_text_next(struct iscsi_text_reader *reader, char ret_key[ISCSI_KEY_MAX + 1],
		     const char **ret_value, bool *ret_bad);

/* A growing text to send. `failed` is set when it would pass `max` or memory is out. */
struct iscsi_text {
	char *data;
	size_t len, cap, max;
	bool failed;
};
void iscsi_text_init(struct iscsi_text *text, size_t max);
void iscsi_text_free(struct iscsi_text *text);
void iscsi_text_add(struct iscsi_text *text, const char *key, const char *value);
void iscsi_text_add_number(struct iscsi_text *text, const char *key, uint64_t value);
void iscsi_text_append(struct iscsi_text *text, const void *bytes, size_t len);

/* Decimal, or hex with 0x / 0X (RFC 7143 6.1); false: not a number or over 2^64-1. */
bool iscsi_text_number(const char *value, uint64_t *ret_number);

#define ISCSI_TEXT_BINARY_MAX 64 /* limit: bytes of a binary value that we say */

/* Hexadecimal with 0x, or base64 with 0b; at least one byte. False: neither, or longer than `max`;
 * then some of ret_bytes may have been written. */
bool iscsi_text_binary(const char *value, uint8_t *ret_bytes, size_t max, size_t *ret_len);
/* In hexadecimal, which every initiator reads. */
void iscsi_text_add_binary(struct iscsi_text *text, const char *key, const uint8_t *bytes,
			   size_t len);

/* Canonical form of an iSCSI name (lower case ASCII); false: not a legal name (RFC 7143 4.2.7, RFC
 * 3722), or longer than 223 bytes. ret_name holds 224 bytes. */
bool iscsi_name_canonical(const char *name, char *ret_name);

#endif
