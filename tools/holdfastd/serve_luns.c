#include "tools/holdfastd/serve_luns.h"

#include <sys/stat.h>
#include <time.h>

#include "pr_engine/store.h"
#include "target/in_flight.h"
#include "tools/holdfastd/personality.h"
#include "tools/holdfastd/serve_access.h"

#define LOCKED_PATIENCE_MS 5000u
#define LOCKED_POLL_MS	   20u

/* One LUN on its way up: what it is part of, for the messages. */
struct lun_start {
	struct service *service;
	const struct config_target *target;
	const struct config_lun *lun;
	struct scsi_target *scsi_target;
	char *why; /* SERVE_WHY_MAX characters for the first reason why not, or NULL */
};

static void lun_failed(const struct lun_start *start, const char *file, const char *why)
{
	log_line(start->service->log, LOG_LEVEL_ERROR, "target %s, LUN %u: %s: %s",
		 start->target->name, start->lun->number, file, why);
	if (start->why && start->why[0] == '\0')
		snprintf(start->why, SERVE_WHY_MAX, "%s: %s", file, why);
}

/* `why` (may be NULL) says it whole where the number is only its class. */
static void file_failed(const struct lun_start *start, const char *file, const char *why, int error)
{
	char text[256];
	bool is_whole = error == -EINVAL || error == -EBUSY;

	if (!why || is_whole)
		snprintf(text, sizeof(text), "%s", why ? why : strerror(-error));
	else
		snprintf(text, sizeof(text), "%s: %s", why, strerror(-error));
	lun_failed(start, file, text);
}

/* A file that is there keeps its size unless the configuration says otherwise. */
static uint64_t file_size_wanted(const struct config_lun *lun, const char *path)
{
	struct stat st;

	if (lun->size != 0)
		return lun->size;
	if (stat(path, &st) == 0 && (S_ISBLK(st.st_mode) || st.st_size > 0))
		return 0;
	return CONFIG_DEFAULT_SIZE;
}

/*
 * At the start an old daemon that was killed may still be at work: what it had given to io_uring
 * the kernel finishes for it, and the file stays locked until that is done. So no write of its can
 * come after ours; but it has to be waited for.
 */
static int open_locked_backing(const struct lun_start *start, const char *path,
			       struct backing **ret_backing, const char **ret_why)
{
	const struct config_lun *lun = start->lun;
	const struct timespec nap = {.tv_nsec = LOCKED_POLL_MS * 1000000L};
	unsigned patience_ms = start->why ? 0 : LOCKED_PATIENCE_MS;

	for (;;) {
		int error = backing_file_open(path, file_size_wanted(lun, path), lun->read_only,
					      start->service->executor, ret_backing, ret_why);
		if (error != -EBUSY || patience_ms == 0)
			return error;
		patience_ms -= LOCKED_POLL_MS;
		nanosleep(&nap, NULL);
	}
}

/* With the first file that is served. Without it, all is written by system calls. */
static void open_in_flight(struct service *service)
{
	char path[STATE_FILE_MAX];
	int error = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/in-flight", service->state.path) < STATE_FILE_MAX)
		error = in_flight_open(path, &service->in_flight);
	if (error != 0)
		log_line(service->log, LOG_LEVEL_INFO,
			 "%s: %s: writes of files take the longer way", path, strerror(-error));
}

/* What cannot be stored through a mapping is written. */
static void store_through(const struct lun_start *start, const char *path, struct backing *backing)
{
	struct service *service = start->service;

	if (start->lun->read_only)
		return;
	if (!service->in_flight)
		open_in_flight(service);
	if (!service->in_flight)
		return;
	int error = backing_file_store_through(backing, service->in_flight,
					       service->config->mapped_writes);
	if (error)
		log_line(service->log, LOG_LEVEL_WARNING,
			 "target %s, LUN %u: %s: %s: the write that was under way when the last "
			 "daemon was killed may be there in part",
			 start->target->name, start->lun->number, path, strerror(-error));
}

static bool open_file_backing(const struct lun_start *start, struct backing **ret_backing)
{
	const struct config_lun *lun = start->lun;
	struct service *service = start->service;
	char path[STATE_FILE_MAX];
	const char *why = NULL;

	if (lun->path[0] != '\0') {
		snprintf(path, sizeof(path), "%s", lun->path);
	} else if (!state_dir_lun_file(&service->state, "disks", start->target->name, lun->number,
				       "img", path)) {
		lun_failed(start, "disk", strerror(ENAMETOOLONG));
		return false;
	}
	int error = lun->path[0] == '\0' ? state_dir_make_parent(path) : 0;
	if (!error)
		error = open_locked_backing(start, path, ret_backing, &why);
	if (error)
		file_failed(start, path, why, error);
	else
		store_through(start, path, *ret_backing);
	return error == 0;
}

static bool open_backing(const struct lun_start *start, struct backing **ret_backing)
{
	uint64_t size = start->lun->size != 0 ? start->lun->size : CONFIG_DEFAULT_SIZE;
	int error = -EINVAL;

	switch ((enum config_backing)start->lun->backing) {
	case CONFIG_BACKING_FILE:
		return open_file_backing(start, ret_backing);
	case CONFIG_BACKING_MEMORY:
		error = backing_memory_open(size, ret_backing);
		break;
	case CONFIG_BACKING_NULL:
		error = backing_null_open(size, ret_backing);
		break;
	case CONFIG_BACKING_INVALID:
		break;
	}
	if (error)
		lun_failed(start, config_backing_name((enum config_backing)start->lun->backing),
			   strerror(-error));
	return error == 0;
}

static void fill_lun_config(const struct lun_start *start, struct scsi_lun_config *config)
{
	const struct config_lun *lun = start->lun;
	/* The configuration was checked: it is there. */
	const struct personality *personality =
		personalities_find(start->service->personalities, lun->profile);

	scsi_lun_config_init(config);
	config->number = lun->number;
	config->block_size = lun->block_size;
	config->physical_exponent = lun->physical_exponent;
	config->profile = &personality->profile;
	config->overrides = personality->overrides;
	config->override_count = personality->override_count;
	config->registrations_max = lun->max_registrations;
	config->history_max = lun->history;
	config->transfer_max = lun->max_transfer;
	config->read_only = lun->read_only;
	config->removable = lun->removable;
	config->thin = lun->thin;
	config->write_same_to_end = lun->write_same_to_end;
	config->atomic_granularity = lun->atomic_granularity;
	config->erase_rate = lun->erase_rate;
	config->write_cache = lun->write_cache;
	config->tas = lun->tas;
	memcpy(config->vendor, lun->vendor, sizeof(config->vendor));
	memcpy(config->product, lun->product, sizeof(config->product));
	memcpy(config->revision, lun->revision, sizeof(config->revision));
	memcpy(config->serial, lun->serial, sizeof(config->serial));
}

enum lun_outcome {
	LUN_FAILED = 0,
	LUN_ONLINE,
	LUN_LEFT_OUT, /* its state cannot be used, and the configuration says to go on */
};

/* What is damaged has been told. */
static enum lun_outcome damaged(const struct lun_start *start)
{
	if (start->service->config->on_damage != CONFIG_ON_DAMAGE_OFFLINE)
		return LUN_FAILED;
	log_line(start->service->log, LOG_LEVEL_WARNING,
		 "target %s, LUN %u: left out (on_damage = \"offline\")", start->target->name,
		 start->lun->number);
	return LUN_LEFT_OUT;
}

/* The journal does not let the LUN come online: say what is wrong, and what to do. */
static enum lun_outcome journal_refused(const struct lun_start *start, const char *path, int error,
					const struct pr_journal_report *report)
{
	lun_failed(start, path, report->explanation[0] ? report->explanation : strerror(-error));
	if (report->health == PR_JOURNAL_INVALID)
		return LUN_FAILED;
	log_line(start->service->log, LOG_LEVEL_ERROR,
		 "target %s, LUN %u: `holdfast journal check %s` tells more", start->target->name,
		 start->lun->number, path);
	return damaged(start);
}

static bool open_saved_store(const struct lun_start *start, char ret_path[STATE_FILE_MAX],
			     struct pr_store **ret_store)
{
	int error = -ENAMETOOLONG;

	if (state_dir_lun_file(&start->service->state, "reservations", start->target->name,
			       start->lun->number, "saved", ret_path))
		error = pr_store_posix_open(ret_path, ret_store);
	if (error)
		lun_failed(start, "saved values", strerror(-error));
	return error == 0;
}

static enum lun_outcome saved_refused(const struct lun_start *start, const char *path)
{
	lun_failed(
		start, path,
		"cannot be read, is damaged, or of another version: move it away, and the LUN starts with "
		"the mode parameters of the configuration");
	return damaged(start);
}

/* Beside the journal. */
static bool medium_path(const struct lun_start *start, char ret_path[STATE_FILE_MAX])
{
	return state_dir_lun_file(&start->service->state, "reservations", start->target->name,
				  start->lun->number, "medium", ret_path);
}

static bool open_medium_store(const struct lun_start *start, struct pr_store **ret_store)
{
	char path[STATE_FILE_MAX];
	int error = medium_path(start, path) ? pr_store_posix_open(path, ret_store) : -ENAMETOOLONG;

	if (error)
		lun_failed(start, "medium record", strerror(-error));
	return error == 0;
}

/* What was going on with the medium cannot go on, and must not be forgotten. */
static enum lun_outcome medium_refused(const struct lun_start *start, int error)
{
	char path[STATE_FILE_MAX] = "";

	(void)medium_path(start, path);
	lun_failed(
		start, path,
		error == -EMEDIUMTYPE
			? "something was going on with the disk that was here at the last start, "
			  "and this is another one, or it is write protected now: put it back, or "
			  "remove the file if that disk is gone for good"
			: "damaged: it cannot be told whether the disk was being erased");
	return damaged(start);
}

static enum lun_outcome add_lun(const struct lun_start *start, struct backing *backing)
{
	struct service *service = start->service;
	struct scsi_lun_config config;
	struct pr_journal_report report = {.health = PR_JOURNAL_INVALID};
	char path[STATE_FILE_MAX], saved_path[STATE_FILE_MAX];

	fill_lun_config(start, &config);
	config.backing = backing;
	if (!state_dir_lun_file(&service->state, "reservations", start->target->name,
				start->lun->number, "journal", path)) {
		lun_failed(start, "journal", strerror(ENAMETOOLONG));
		return LUN_FAILED;
	}
	int error = pr_store_posix_open(path, &config.store);
	if (error) {
		lun_failed(start, path, strerror(-error));
		return LUN_FAILED;
	}
	if (!open_saved_store(start, saved_path, &config.saved_store)) {
		config.store->ops->close(config.store);
		return LUN_FAILED;
	}
	if (!backing->volatile_store && !open_medium_store(start, &config.medium_store)) {
		config.saved_store->ops->close(config.saved_store);
		config.store->ops->close(config.store);
		return LUN_FAILED;
	}
	error = scsi_target_add_lun(start->scsi_target, &config, &report);
	if (!error) {
		log_line(service->log,
			 report.health == PR_JOURNAL_TORN_TAIL ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
			 "target %s, LUN %u online: %s, journal %s with %llu records",
			 start->target->name, start->lun->number,
			 config_backing_name((enum config_backing)start->lun->backing),
			 pr_journal_health_name(report.health), (unsigned long long)report.records);
		return LUN_ONLINE;
	}
	config.store->ops->close(config.store);
	config.saved_store->ops->close(config.saved_store);
	if (config.medium_store)
		config.medium_store->ops->close(config.medium_store);
	if (error == -EBADMSG)
		return saved_refused(start, saved_path);
	if (error == -EMEDIUMTYPE || error == -EILSEQ)
		return medium_refused(start, error);
	return journal_refused(start, path, error, &report);
}

static enum lun_outcome serve_lun(const struct lun_start *start)
{
	struct backing *backing = NULL;

	if (!open_backing(start, &backing))
		return LUN_FAILED;
	if (backing->size % start->lun->block_size != 0) {
		lun_failed(start, "disk", "its size is no multiple of block_size");
		backing->ops->close(backing);
		return LUN_FAILED;
	}
	enum lun_outcome outcome = add_lun(start, backing);
	if (outcome != LUN_ONLINE)
		backing->ops->close(backing);
	return outcome;
}

static struct scsi_target *create_target(struct service *service,
					 const struct config_target *target)
{
	struct scsi_target_config config = {
		.name = target->name,
		.executor = service->executor,
		.clock = service_clock_ms,
		.trace = service->trace,
	};

	memcpy(config.instance_id, service->state.instance_id, sizeof(config.instance_id));
	state_random(&config.hash_seed, sizeof(config.hash_seed));
	if (target->portal_group_count > 0) {
		memcpy(config.ports, target->portal_groups, sizeof(config.ports));
		config.port_count = target->portal_group_count;
	} else {
		config.port_count = config_portal_groups(service->config, config.ports);
	}
	struct scsi_target *created = scsi_target_create(&config);
	if (!created)
		log_line(service->log, LOG_LEVEL_ERROR, "target %s: %s", target->name,
			 strerror(errno));
	return created;
}

/* All of its LUNs are tried, so that every damaged journal is told of at once. */
static bool serve_target(struct service *service, uint32_t index, uint32_t *online)
{
	const struct config_target *target = &service->config->targets[index];
	bool sound = true;

	service->targets[index] = create_target(service, target);
	if (!service->targets[index])
		return false;
	for (uint32_t i = 0; i < target->lun_count; i++) {
		struct lun_start start = {service, target, &target->luns[i],
					  service->targets[index], NULL};
		enum lun_outcome outcome = serve_lun(&start);
		sound = sound && outcome != LUN_FAILED;
		*online += outcome == LUN_ONLINE;
	}
	if (!sound)
		return false;
	int error = iscsi_node_add_target(service->node, service->targets[index], target->alias);
	if (error)
		log_line(service->log, LOG_LEVEL_ERROR, "target %s: %s", target->name,
			 strerror(-error));
	else
		iscsi_node_set_access(service->node, service->targets[index],
				      service_access_target(service->access, index));
	if (!error && target->observe)
		error = iscsi_node_observe(service->node, service->targets[index], true);
	return error == 0;
}

bool serve_one_lun(struct service *service, uint32_t target_index, const struct config_lun *lun,
		   char ret_why[SERVE_WHY_MAX])
{
	struct config_target *target = &service->config->targets[target_index];
	struct lun_start start = {service, target, lun, service->targets[target_index], ret_why};

	ret_why[0] = '\0';
	/* First what can fail without a trace: then what is online is in the configuration. */
	const struct config_lun *offline = config_find_lun(target, lun->number);
	struct config_lun before = offline ? *offline : *lun;
	if (!config_put_lun(target, lun)) {
		snprintf(ret_why, SERVE_WHY_MAX, "no memory");
		return false;
	}
	if (serve_lun(&start) == LUN_ONLINE)
		return true;
	if (offline)
		*config_find_lun(target, lun->number) = before;
	else
		config_drop_lun(target, lun->number);
	return false;
}

bool serve_targets(struct service *service)
{
	uint32_t online = 0;
	bool sound = true;

	for (uint32_t i = 0; i < service->config->target_count; i++)
		sound = serve_target(service, i, &online) && sound;
	if (sound && online == 0)
		log_line(service->log, LOG_LEVEL_ERROR, "no LUN could be brought online");
	return sound && online > 0;
}
