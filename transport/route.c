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

struct words {
	bool discovers;
	char name[PR_INITIATOR_NAME_MAX + 1]; /* canonical; "": it does not say */
};

/* What of the text says where it belongs, up to where it is none. */
static void read_words(const uint8_t *text, size_t len, struct words *words)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad)) {
		if (strcmp(key, "InitiatorName") == 0)
			(void)iscsi_name_canonical(value, words->name);
		else if (strcmp(key, "SessionType") == 0)
			words->discovers = strcmp(value, "Discovery") == 0;
	}
}

uint64_t iscsi_route_port(const uint8_t *isid, const char *name)
{
	return hash(hash(HASH_BASIS, isid, PR_ISID_LEN), name, strlen(name));
}

size_t iscsi_route(const uint8_t *bytes, size_t len, uint64_t *ret_number)
{
	struct words words = {0};

	if (len < ISCSI_BHS_LEN)
		return ISCSI_BHS_LEN;
	if ((bytes[0] & OPCODE) != ISCSI_LOGIN_REQUEST) {
		*ret_number = ISCSI_ROUTE_ANYWHERE;
		return 0;
	}
	size_t text_at = DATA_AT + (size_t)bytes[4] * 4;
	size_t text_len = get_be24(bytes + 5);
	if (text_at + text_len <= ISCSI_ROUTE_BYTES_MAX) {
		if (len < text_at + text_len)
			return text_at + text_len;
		read_words(bytes + text_at, text_len, &words);
	}
	*ret_number = words.discovers ? ISCSI_ROUTE_ANYWHERE
				      : iscsi_route_port(bytes + ISID_AT, words.name);
	return 0;
}
