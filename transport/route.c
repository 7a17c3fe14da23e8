#include "transport/route.h"

#include <stdbool.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/types.h"
#include "transport/pdu.h"
#include "transport/text.h"

#define ISID_AT	   8
#define DATA_AT	   ISCSI_BHS_LEN
#define OPCODE	   0x3f
#define HASH_BASIS 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static uint64_t hash(uint64_t x, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len-- > 0)
		x = (x ^ *at++) * HASH_PRIME;
	return x ^ x >> 32;
}

/* The initiator's name in its canonical form; false: the text does not say it, or is none. */
static bool find_name(const uint8_t *text, size_t len, char ret_name[PR_INITIATOR_NAME_MAX + 1])
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (strcmp(key, "InitiatorName") == 0)
			return iscsi_name_canonical(value, ret_name);
	return false;
}

size_t iscsi_route(const uint8_t *bytes, size_t len, uint64_t *ret_number)
{
	char name[PR_INITIATOR_NAME_MAX + 1];

	if (len < ISCSI_BHS_LEN)
		return ISCSI_BHS_LEN;
	if ((bytes[0] & OPCODE) != ISCSI_LOGIN_REQUEST) {
		*ret_number = 0;
		return 0;
	}
	size_t text_at = DATA_AT + (size_t)bytes[4] * 4;
	size_t text_len = get_be24(bytes + 5);
	uint64_t number = hash(HASH_BASIS, bytes + ISID_AT, PR_ISID_LEN);
	if (text_at + text_len <= ISCSI_ROUTE_BYTES_MAX) {
		if (len < text_at + text_len)
			return text_at + text_len;
		if (find_name(bytes + text_at, text_len, name))
			number = hash(number, name, strlen(name));
	}
	*ret_number = number;
	return 0;
}
