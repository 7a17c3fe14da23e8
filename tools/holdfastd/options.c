#include "tools/holdfastd/options.h"

#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/option_error.h"
#include "tools/common/state_path.h"
#include "tools/holdfastd/personality.h"
#include "tools/holdfastd/serve_faults.h"

#define THREADS_DEFAULT_MAX 8
#define THREADS_MAX	    64

enum option_id {
	OPTION_LISTEN = 256,
	OPTION_STATE_DIR,
	OPTION_TARGET_NAME,
	OPTION_SIZE,
	OPTION_PROFILE,
	OPTION_THREADS,
	OPTION_DISK_IO,
	OPTION_WORKERS,
	OPTION_CHECK,
	OPTION_LOG_LEVEL,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"target-name", required_argument, NULL, OPTION_TARGET_NAME},
	{"size", required_argument, NULL, OPTION_SIZE},
	{"profile", required_argument, NULL, OPTION_PROFILE},
	{"threads", required_argument, NULL, OPTION_THREADS},
	{"disk-io", required_argument, NULL, OPTION_DISK_IO},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: holdfastd [OPTION]...\n"
	"\n"
	"Serves disks over iSCSI. Without options: one sparse 1 GiB disk on 127.0.0.1:3260.\n"
	"\n"
	"  -c, --config FILE       read this configuration, see holdfast.conf(5)\n"
	"      --listen ADDR:PORT  listen there (port 0: a free one); `,TAG` behind it sets the\n"
	"                          portal group; may be given several times\n"
	"      --state-dir DIR     keep disks, reservations and the control socket there\n"
	"      --target-name IQN   name of the target\n"
	"      --size SIZE         size of the disk: 512M, 1G, ...\n"
	"      --profile NAME      what the LUNs are like: dlt-s4 (default), spc4, lio, scst, 3par,\n"
	"                          ctl, tgt, or a personality of the configuration\n"
	"      --threads N         event loops that serve sessions, 1 to 64 (the cores, at most 8)\n"
	"      --workers N         worker threads for disk access, 1 to 64\n"
	"      --disk-io WHO       io_uring, threads, or auto (default): who waits for disks\n"
	"      --log-level LEVEL   error, warning, info (default) or debug\n"
	"      --check             say what would be served, and exit\n"
	"  -h, --help              show this text, and exit\n"
	"  -V, --version           show the version, and exit\n"
	"\n"
	"The command line goes over the file. Exit status: 0 fine, 1 failed, 2 wrong usage or\n"
	"configuration.\n";

static void complain(const char *option, const char *value, const char *what)
{
	fprintf(stderr, "holdfastd: --%s %s: %s\n", option, value, what);
}

/* "ADDR:PORT" or "ADDR:PORT,TAG", as SendTargets writes it. */
static bool parse_listen(struct options *options, const char *text)
{
	struct config_portal portal = {.group = 1};
	char address[CONFIG_ADDRESS_MAX];
	const char *comma = strchr(text, ',');
	size_t len = comma ? (size_t)(comma - text) : strlen(text);
	char *end = NULL;

	if (comma) {
		long tag = strtol(comma + 1, &end, 10);
		if (comma[1] < '0' || comma[1] > '9' || *end != '\0' || tag < 1 ||
		    tag > UINT16_MAX) {
			complain("listen", text, "the portal group tag must be 1 to 65535");
			return false;
		}
		portal.group = (uint16_t)tag;
	}
	if (len >= sizeof(address)) {
		complain("listen", text, "too long");
		return false;
	}
	memcpy(address, text, len);
	address[len] = '\0';
	if (!config_parse_address(address, portal.address)) {
		complain("listen", text,
			 "not a numeric address: write 127.0.0.1:3260 or [::1]:3260");
		return false;
	}
	if (options->portal_count == CONFIG_PORTALS_MAX) {
		complain("listen", text, "too many portals");
		return false;
	}
	options->portals[options->portal_count++] = portal;
	return true;
}

static bool parse_count(const char *option, const char *text, uint32_t *ret_count)
{
	char *end = NULL;
	long count = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || count < 1 || count > THREADS_MAX) {
		complain(option, text, "must be 1 to 64");
		return false;
	}
	*ret_count = (uint32_t)count;
	return true;
}

static bool parse_size(struct options *options, const char *text)
{
	if (!config_parse_size(text, &options->size)) {
		complain("size", text, "not a size: write 512M, 1G and the like");
		return false;
	}
	if (options->size < CONFIG_SIZE_MIN || options->size > CONFIG_SIZE_MAX) {
		complain("size", text, "must be 1M to 4194304T");
		return false;
	}
	return true;
}

static bool parse_target_name(struct options *options, const char *text)
{
	const char *wrong = config_parse_name(text, options->target_name);

	if (wrong)
		complain("target-name", text, wrong);
	return !wrong;
}

/* One option. False: it is wrong, and that has been said. */
static bool parse_option(struct options *options, int id)
{
	switch (id) {
	case 'c':
		options->config_path = optarg;
		return true;
	case OPTION_LISTEN:
		return parse_listen(options, optarg);
	case OPTION_STATE_DIR:
		options->state_dir = optarg;
		if (optarg[0] != '\0' && strlen(optarg) < STATE_PATH_MAX)
			return true;
		complain("state-dir", optarg, "empty, or too long");
		return false;
	case OPTION_TARGET_NAME:
		return parse_target_name(options, optarg);
	case OPTION_SIZE:
		return parse_size(options, optarg);
	case OPTION_PROFILE:
		options->profile = optarg;
		return true;
	case OPTION_THREADS:
		return parse_count("threads", optarg, &options->threads);
	case OPTION_WORKERS:
		return parse_count("workers", optarg, &options->workers);
	case OPTION_DISK_IO:
		options->has_disk_io = true;
		if (config_parse_disk_io(optarg, &options->disk_io))
			return true;
		complain("disk-io", optarg, "must be auto, io_uring or threads");
		return false;
	case OPTION_LOG_LEVEL:
		options->has_log_level = true;
		if (config_parse_log_level(optarg, &options->log_level))
			return true;
		complain("log-level", optarg, "must be error, warning, info or debug");
		return false;
	case OPTION_CHECK:
		options->check = true;
		return true;
	default:
		return false;
	}
}

bool options_parse(struct options *options, int argc, char **argv, enum exit_status *ret_status)
{
	int id;

	memset(options, 0, sizeof(*options));
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":c:hV", long_options, NULL)) != -1) {
		if (id == '?' || id == ':') {
			option_error("holdfastd", long_options, id, argv);
			*ret_status = STATUS_USAGE;
			return false;
		}
		if (id == 'h' || id == 'V') {
			fputs(id == 'h' ? usage : "holdfastd " HOLDFAST_VERSION "\n", stdout);
			*ret_status = STATUS_OK;
			return false;
		}
		if (!parse_option(options, id)) {
			*ret_status = STATUS_USAGE;
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"holdfastd: unexpected argument `%s`; `holdfastd --help` shows the "
			"options\n",
			argv[optind]);
		*ret_status = STATUS_USAGE;
		return false;
	}
	return true;
}

static void report_problem(void *context, const char *problem)
{
	(void)context;
	fprintf(stderr, "holdfastd: %s\n", problem);
}

static bool refuse(const char *text)
{
	fprintf(stderr, "holdfastd: %s\n", text);
	return false;
}

/* Every LUN gets the profile; name and size only make sense where they name one thing. */
static bool apply_to_targets(const struct options *options, struct config *config)
{
	if (options->target_name[0] != '\0') {
		if (config->target_count != 1)
			return refuse("--target-name: the configuration has several targets");
		memcpy(config->targets[0].name, options->target_name, sizeof(options->target_name));
	}
	if (options->size != 0) {
		if (config->target_count != 1 || config->targets[0].lun_count != 1)
			return refuse("--size: the configuration has several LUNs");
		config->targets[0].luns[0].size = options->size;
	}
	if (options->profile && !config_personality_find(config, options->profile)) {
		fprintf(stderr, "holdfastd: --profile: there is no personality `%s`\n",
			options->profile);
		return false;
	}
	for (uint32_t t = 0; t < config->target_count; t++) {
		struct config_target *target = &config->targets[t];
		for (uint32_t i = 0; i < target->lun_count; i++) {
			if (options->profile)
				config_lun_set_profile(config, &target->luns[i], options->profile);
		}
	}
	return true;
}

/* Portals of the command line replace those of the file, and every target is reached by them. */
static bool apply_portals(const struct options *options, struct config *config)
{
	if (options->portal_count == 0)
		return true;
	if (!config_set_portals(config, options->portals, options->portal_count))
		return refuse("no memory");
	for (uint32_t t = 0; t < config->target_count; t++)
		config->targets[t].portal_group_count = 0;
	return true;
}

static uint32_t default_workers(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 1)
		return 1;
	return cores < THREADS_DEFAULT_MAX ? (uint32_t)cores : THREADS_DEFAULT_MAX;
}

/* Not more loops than cores that this process may use: taskset and containers bind it to some. */
static uint32_t default_threads(void)
{
	cpu_set_t usable;

	if (sched_getaffinity(0, sizeof(usable), &usable) != 0)
		return default_workers();
	uint32_t cores = (uint32_t)CPU_COUNT(&usable);
	return cores < THREADS_DEFAULT_MAX ? cores : THREADS_DEFAULT_MAX;
}

static bool apply_daemon(const struct options *options, struct config *config)
{
	if (options->has_log_level)
		config->log_level = options->log_level;
	if (options->has_disk_io)
		config->disk_io = options->disk_io;
	if (options->threads != 0)
		config->threads = options->threads;
	if (config->threads == 0)
		config->threads = default_threads();
	if (options->workers != 0)
		config->workers = options->workers;
	if (config->workers == 0)
		config->workers = default_workers();
	if (options->state_dir)
		snprintf(config->state_dir, sizeof(config->state_dir), "%s", options->state_dir);
	if (config->state_dir[0] == '\0' && !state_default_dir(config->state_dir))
		return refuse("no place for the state: set HOME, or give --state-dir DIR");
	return true;
}

/* Their pages are the target's to know. */
static bool personalities_are_sound(const struct config *config)
{
	struct personalities *personalities = personalities_create(config, report_problem, NULL);
	bool sound = personalities != NULL;

	personalities_free(&personalities);
	return sound;
}

struct config *options_load_config(const struct options *options)
{
	struct config *config =
		options->config_path ? config_load_file(options->config_path, report_problem, NULL)
				     : config_load_builtin(report_problem, NULL);

	if (config && !(apply_to_targets(options, config) && apply_portals(options, config) &&
			apply_daemon(options, config) &&
			config_check(config, "command line", report_problem, NULL) &&
			personalities_are_sound(config) &&
			serve_faults_are_sound(config, report_problem, NULL)))
		config_free(&config);
	return config;
}
