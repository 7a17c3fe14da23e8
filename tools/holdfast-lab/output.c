/*
 * Files that subcommands make.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/holdfast-lab/lab.h"

FILE *lab_open_output(const char *path)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");

	if (!out)
		fprintf(stderr, "holdfast-lab: %s: %s\n", path, strerror(errno));
	return out;
}

enum lab_status lab_close_output(FILE *out, const char *path, int error)
{
	if (out != stdout && fclose(out) != 0 && error == 0)
		error = -errno;
	if (error == 0)
		return LAB_OK;
	fprintf(stderr, "holdfast-lab: %s: %s\n", path, strerror(-error));
	if (out != stdout)
		unlink(path);
	return LAB_FAILED;
}
