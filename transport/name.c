/*
 * iSCSI names (RFC 7143 4.2.7) in the form of the iSCSI stringprep profile (RFC 3722).
 *
 * ASCII is folded to lower case here. Other characters are taken when they can stand in a name that
 * was prepared already, as configuration does it: what stringprep drops or prohibits is refused.
 */
#include "transport/text.h"

#include <string.h>

#include "pr_engine/types.h"
#include "transport/utf8.h"

/* RFC 3722 6 with the tables of RFC 3454 (C.1.2, C.2.2, C.3 to C.9), and what B.1 maps to nothing.
 */
static const struct {
	uint32_t first, last;
} prohibited[] = {
	{0x0080, 0x00a0},    {0x00ad, 0x00ad},	 {0x0340, 0x0341},   {0x034f, 0x034f},
	{0x06dd, 0x06dd},    {0x070f, 0x070f},	 {0x1680, 0x1680},   {0x1806, 0x1806},
	{0x180b, 0x180e},    {0x2000, 0x200f},	 {0x2028, 0x202f},   {0x205f, 0x2063},
	{0x206a, 0x206f},    {0x2ff0, 0x2ffb},	 {0x3000, 0x3000},   {0x3002, 0x3002},
	{0xe000, 0xf8ff},    {0xfdd0, 0xfdef},	 {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
	{0xfff9, 0xfffd},    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f},
	{0xf0000, 0x10ffff},
};

static bool is_prohibited(uint32_t code)
{
	if ((code & 0xfffe) == 0xfffe) /* the last two of each plane are no characters */
		return true;
	for (size_t i = 0; i < sizeof(prohibited) / sizeof(prohibited[0]); i++)
		if (code >= prohibited[i].first && code <= prohibited[i].last)
			return true;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Folds and copies; the length, or 0. */
static size_t fold(const char *name, char out[PR_INITIATOR_NAME_MAX + 1])
{
	size_t len = strnlen(name, PR_INITIATOR_NAME_MAX + 1);
	uint32_t code;

	if (len > PR_INITIATOR_NAME_MAX)
		return 0;
	for (size_t at = 0; at < len;) {
		size_t n = iscsi_utf8_code_point(name + at, len - at, &code);
		if (n == 0)
			return 0;
		memcpy(out + at, name + at, n);
		if (code >= 'A' && code <= 'Z')
			out[at] = (char)(code - 'A' + 'a');
		else if (code < 0x80 && !is_lower(name[at]) && !is_digit(name[at]) &&
			 !strchr("-.:", name[at]))
			return 0;
		else if (is_prohibited(code))
			return 0;
		at += n;
	}
	out[len] = '\0';
	return len;
}

static bool is_label_byte(char c)
{
	return c != '\0' && c != '.' && c != ':';
}

/* yyyy-mm.label[.label...][:anything] (RFC 7143 4.2.7.3) */
static bool is_iqn_body(const char *body)
{
	for (int i = 0; i < 7; i++)
		if (i == 4 ? body[i] != '-' : !is_digit(body[i]))
			return false;
	int month = (body[5] - '0') * 10 + (body[6] - '0');
	if (month < 1 || month > 12)
		return false;
	body += 7;
	if (*body != '.')
		return false;
	while (*body == '.') {
		body++;
		if (!is_label_byte(*body))
			return false;
		while (is_label_byte(*body))
			body++;
	}
	return *body == '\0' || *body == ':';
}

static bool is_hex_body(const char *body, size_t digits)
{
	size_t n = 0;

	while (is_digit(body[n]) || (body[n] >= 'a' && body[n] <= 'f'))
		n++;
	return body[n] == '\0' && n == digits;
}

static bool has_known_form(const char *name)
{
	if (strncmp(name, "iqn.", 4) == 0)
		return is_iqn_body(name + 4);
	if (strncmp(name, "eui.", 4) == 0)
		return is_hex_body(name + 4, 16);
	if (strncmp(name, "naa.", 4) == 0)
		return is_hex_body(name + 4, 16) || is_hex_body(name + 4, 32);
	return false;
}

bool iscsi_name_canonical(const char *name, char *ret_name)
{
	char folded[PR_INITIATOR_NAME_MAX + 1];
	size_t len = fold(name, folded);

	if (len == 0 || !has_known_form(folded))
		return false;
	memcpy(ret_name, folded, len + 1);
	return true;
}
