/*
 * holdfastd: serves disks over iSCSI. See holdfastd(8).
 */
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tools/holdfastd/options.h"
#include "tools/holdfastd/serve_access.h"
#include "tools/holdfastd/service.h"

#define MMAPPED_MIN    (4 << 20)  /* bytes: what is as long goes back to the system at once */
#define SPARE_HEAP_MAX (32 << 20) /* bytes that the heap keeps at its end */

/* As many connections as the system lets us have. */
static void raise_descriptor_limit(struct log *log)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_line(log, LOG_LEVEL_WARNING, "no more than %llu descriptors can be had",
			 (unsigned long long)before);
}

/*
 * Data of commands comes and goes many times a millisecond. What malloc gives back to the system in
 * between, the system has to clear page by page when it is asked for again.
 */
static void keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MMAPPED_MIN);
	(void)mallopt(M_TRIM_THRESHOLD, SPARE_HEAP_MAX);
}

static enum exit_status check(const struct options *options, const struct config *config)
{
	struct log log = {.level = (enum log_level)config->log_level,
			  .lock = PTHREAD_MUTEX_INITIALIZER};

	service_access_warn(config, &log);
	printf("# holdfastd %s: %s is sound. All settings that would be in force:\n",
	       HOLDFAST_VERSION,
	       options->config_path ? options->config_path : "the built-in configuration");
	config_print(config, stdout);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static enum exit_status serve(struct config *config)
{
	struct log log = {.level = (enum log_level)config->log_level,
			  .lock = PTHREAD_MUTEX_INITIALIZER};

	umask(0077); /* disks, reservations and the control socket are the owner's alone */
	raise_descriptor_limit(&log);
	keep_memory();
	return service_run(config, &log) ? STATUS_OK : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options options;
	enum exit_status status = STATUS_USAGE;

	if (!options_parse(&options, argc, argv, &status))
		return (int)status;
	struct config *config = options_load_config(&options);
	if (!config)
		return STATUS_USAGE;
	status = options.check ? check(&options, config) : serve(config);
	config_free(&config);
	return (int)status;
}
