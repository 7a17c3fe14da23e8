/*
 * The command line, and how it goes over the configuration file.
 */
#ifndef TOOLS_HOLDFASTD_OPTIONS_H
#define TOOLS_HOLDFASTD_OPTIONS_H

#include "config/config.h"

/* Exit statuses of holdfastd(8). */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1, /* it could not start, or could not go on */
	STATUS_USAGE = 2,  /* the command line or the configuration file is wrong */
};

struct options {
	const char *config_path;	       /* NULL: none */
	const char *state_dir;		       /* NULL: not given; so with the others */
	char target_name[CONFIG_NAME_MAX + 1]; /* empty: not given */
	struct config_portal portals[CONFIG_PORTALS_MAX];
	uint32_t portal_count;
	uint64_t size;		   /* 0: not given */
	const char *profile;	   /* NULL: not given */
	uint32_t threads, workers; /* 0: not given */
	bool has_disk_io;
	uint32_t disk_io;
	bool has_log_level;
	uint32_t log_level;
	bool check;
};

/*
 * Reads the command line. True: go on. False: the process is to exit with *ret_status, and
 * everything there is to say has been said.
 */
bool options_parse(struct options *options, int argc, char **argv, enum exit_status *ret_status);

/*
 * The configuration file (or the built-in defaults) with the command line over it, every value
 * there and checked, state_dir and threads filled in. NULL after the problems have been written to
 * standard error.
 */
struct config *options_load_config(const struct options *options);

#endif
