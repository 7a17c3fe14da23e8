/*
 * Prints the page of docs/ that the argument names. Only for building this repository.
 */
#include <string.h>

#include "tools/docs/docs.h"

static const struct {
	const char *name;
	void (*print)(FILE *out);
} pages[] = {
	{"commands.md", docs_commands},
	{"keys.md", docs_keys},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].name, argv[1]) != 0)
			continue;
		pages[i].print(stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	fputs("usage: docs commands.md | keys.md\n", stderr);
	return 2;
}
