#include "tools/check/markup.h"

static const char *entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

/* XML 1.0 knows no other control characters; what is not ASCII may not be UTF-8. */
static int is_plain(char c)
{
	return c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f);
}

void check_markup(FILE *out, const char *text)
{
	for (; *text; text++) {
		const char *written = entity(*text);
		if (written)
			fputs(written, out);
		else
			fputc(is_plain(*text) ? *text : '?', out);
	}
}
