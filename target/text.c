#include "target/text.h"

#include <stdarg.h>
#include <stdio.h>

struct text text_over(char *bytes, size_t cap)
{
	bytes[0] = '\0';
	return (struct text){.bytes = bytes, .cap = cap};
}

void text_add(struct text *text, const char *format, ...)
{
	size_t room = text->cap - text->len;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text->bytes + text->len, room, format, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n < room ? (size_t)n : room - 1;
}
