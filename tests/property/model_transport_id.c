/* TransportIDs (the sheet's 1.5). */
#include <ctype.h>
#include <string.h>

#include "tests/property/model.h"

static bool hex_digit(char c, unsigned *ret_value)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	if (!at)
		return false;
	*ret_value = (unsigned)(at - digits);
	return true;
}

/* Exactly twelve digits, then the end. */
static bool parse_isid(const char *text, uint8_t isid[6])
{
	for (unsigned i = 0; i < 6; i++) {
		unsigned high, low;
		if (!hex_digit(text[2 * i], &high) || !hex_digit(text[2 * i + 1], &low))
			return false;
		isid[i] = (uint8_t)(high * 16 + low);
	}
	return text[12] == '\0';
}

bool model_parse_transport_id(const uint8_t *bytes, size_t len, size_t *ret_used,
			      struct model_transport_id *ret_id)
{
	char text[1024] = {0};

	if (len < 4)
		return false;
	unsigned format = bytes[0] >> 6;
	size_t additional = model_be(bytes + 2, 2);
	if (format > 1 || (bytes[0] & 0x0f) != 5 || additional < 20 || additional % 4 != 0 ||
	    additional > len - 4 || additional >= sizeof(text))
		return false;
	memcpy(text, bytes + 4, additional);
	if (strlen(text) == additional)
		return false; /* no NUL */

	memset(ret_id, 0, sizeof(*ret_id));
	if (format == 1) {
		char *separator = strstr(text, ",i,0x");
		if (!separator || !parse_isid(separator + 5, ret_id->isid))
			return false;
		*separator = '\0';
		ret_id->has_isid = true;
	}
	size_t name_len = strlen(text);
	if (name_len < 1 || name_len > MODEL_NAME_MAX)
		return false;
	for (size_t i = 0; i < name_len; i++)
		ret_id->name[i] = (char)tolower((unsigned char)text[i]);
	*ret_used = 4 + additional;
	return true;
}
