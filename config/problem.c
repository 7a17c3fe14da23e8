#include "config/problem.h"

#include <stdarg.h>

#define PROBLEM_TEXT_MAX 1536
#define PROBLEMS_MAX	 50 /* told of; who has more has another kind of problem */

void config_problem(struct config_problems *problems, const char *format, ...)
{
	char text[PROBLEM_TEXT_MAX];
	va_list arguments;

	if (problems->count++ >= PROBLEMS_MAX)
		return;
	int len = snprintf(text, sizeof(text), "%s: ", problems->name);
	if (len < 0 || (size_t)len >= sizeof(text))
		len = 0;
	va_start(arguments, format);
	vsnprintf(text + len, sizeof(text) - (size_t)len, format, arguments);
	va_end(arguments);
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	problems->report(problems->context, text);
}
