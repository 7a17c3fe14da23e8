#include "target/transport_id.h"

#include <string.h>

#define PROTOCOL_ISCSI	   0x5
#define FORMAT_DEVICE	   0u /* 00b: name */
#define FORMAT_PORT	   1u /* 01b: name,i,0xISID */
#define ADDITIONAL_LEN_MIN 20
#define ISID_SEPARATOR	   ",i,0x"
#define ISID_SEPARATOR_LEN 5
#define ISID_DIGITS	   (2 * PR_ISID_LEN)

static bool parse_isid(const char *text, size_t len, uint8_t ret_isid[PR_ISID_LEN])
{
	if (len != ISID_DIGITS)
		return false;
	for (size_t i = 0; i < PR_ISID_LEN; i++) {
		int high = hex_digit_value(text[2 * i]);
		int low = hex_digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_isid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* What a login takes for a name as well: no blanks, no controls, no comma; lower case. */
static bool parse_name(const char *text, size_t len, char *ret_name)
{
	if (len == 0 || len > PR_INITIATOR_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		unsigned char u = (unsigned char)c;

		if (u <= ' ' || u == 0x7f || c == ',')
			return false;
		ret_name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	ret_name[len] = '\0';
	return true;
}

static bool parse_port(const char *text, size_t len, struct transport_id *id)
{
	const char *separator = strstr(text, ISID_SEPARATOR);

	if (!separator)
		return false;
	const char *digits = separator + ISID_SEPARATOR_LEN;
	id->has_isid = true;
	return parse_isid(digits, len - (size_t)(digits - text), id->isid) &&
	       parse_name(text, (size_t)(separator - text), id->initiator_name);
}

bool transport_id_take(struct byte_reader *in, struct transport_id *ret_id)
{
	struct transport_id id = {0};
	unsigned first = byte_reader_u8(in);
	unsigned format = first >> 6;

	byte_reader_u8(in);
	size_t len = byte_reader_be16(in);
	const char *text = (const char *)byte_reader_take(in, len);
	if (!text || (first & 0x0f) != PROTOCOL_ISCSI || format > FORMAT_PORT)
		return false;
	if (len < ADDITIONAL_LEN_MIN || len % 4 != 0 || !memchr(text, '\0', len))
		return false;
	size_t text_len = strlen(text);
	bool good = format == FORMAT_PORT ? parse_port(text, text_len, &id)
					  : parse_name(text, text_len, id.initiator_name);
	if (good)
		*ret_id = id;
	return good;
}

size_t transport_id_len(const struct pr_nexus_id *nexus)
{
	size_t text = strlen(nexus->initiator_name) + ISID_SEPARATOR_LEN + ISID_DIGITS + 1;
	size_t padded = (text + 3) / 4 * 4;

	return 4 + (padded < ADDITIONAL_LEN_MIN ? ADDITIONAL_LEN_MIN : padded);
}

size_t transport_id_build(const struct pr_nexus_id *nexus, uint8_t ret_bytes[TRANSPORT_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = transport_id_len(nexus);
	struct byte_writer out = byte_writer_over(ret_bytes, len);

	byte_writer_u8(&out, FORMAT_PORT << 6 | PROTOCOL_ISCSI);
	byte_writer_u8(&out, 0);
	byte_writer_be16(&out, (uint16_t)(len - 4));
	byte_writer_bytes(&out, nexus->initiator_name, strlen(nexus->initiator_name));
	byte_writer_bytes(&out, ISID_SEPARATOR, ISID_SEPARATOR_LEN);
	for (size_t i = 0; i < PR_ISID_LEN; i++) {
		byte_writer_u8(&out, (uint8_t)digits[nexus->isid[i] >> 4]);
		byte_writer_u8(&out, (uint8_t)digits[nexus->isid[i] & 0x0f]);
	}
	byte_writer_zeros(&out, len - out.len); /* NUL, and up to a multiple of 4 */
	return len;
}
