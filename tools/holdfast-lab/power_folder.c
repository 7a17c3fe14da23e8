#include "tools/holdfast-lab/power_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pr_engine/io_posix.h"
#include "tools/common/daemon_child.h"

#define SHIM_NAME      "holdfast-power.so"
#define PATH_LEN_MAX   512
#define RECORD_LEN_MAX ((uint64_t)64 << 20)
#define CHUNK_LEN      4096

struct power_folder {
	char folder[PATH_LEN_MAX], log[PATH_LEN_MAX];
	struct power_disk *disk;
	bool ran; /* there is a log to be read */
	char preload[PATH_MAX + 16], log_variable[PATH_LEN_MAX + 32], sanitizer[1024];
	const char *environment[4];
};

static bool say(const char *what, const char *of)
{
	fprintf(stderr, "holdfast-lab: %s: %s\n", of, what);
	return false;
}

/* ---- the folder ---- */

static bool look_into(struct power_folder *power, const char *path, uint64_t directory);

static bool look_at_file(struct power_folder *power, const char *path, struct power_found *found)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes = malloc((size_t)found->size + 1);
	bool looked = fd >= 0 && bytes && pr_io_read(fd, 0, bytes, (size_t)found->size) == 0;

	found->bytes = bytes;
	if (!looked)
		say("cannot be read", path);
	else if (!power_disk_found(power->disk, found))
		looked = say("no memory", path);
	free(bytes);
	if (fd >= 0)
		close(fd);
	return looked;
}

static bool look_at(struct power_folder *power, const char *folder, uint64_t directory,
		    const char *name)
{
	char path[PATH_LEN_MAX];
	struct stat st;
	int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (len < 0 || (size_t)len >= sizeof(path) || lstat(path, &st) != 0)
		return say("cannot be looked at", name);
	struct power_found found = {.directory = directory,
				    .inode = (uint64_t)st.st_ino,
				    .name = name,
				    .is_directory = S_ISDIR(st.st_mode),
				    .size = (uint64_t)st.st_size};
	if (S_ISREG(st.st_mode))
		return look_at_file(power, path, &found);
	if (!S_ISDIR(st.st_mode))
		return true;
	return power_disk_found(power->disk, &found) && look_into(power, path, found.inode);
}

static bool look_into(struct power_folder *power, const char *path, uint64_t directory)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool looked = dir != NULL;

	if (!dir)
		return say(strerror(errno), path);
	while (looked && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			looked = look_at(power, path, directory, entry->d_name);
	closedir(dir);
	return looked;
}

static bool look(struct power_folder *power)
{
	struct stat st;

	if (stat(power->folder, &st) != 0)
		return say(strerror(errno), power->folder);
	power_disk_look(power->disk);
	return look_into(power, power->folder, (uint64_t)st.st_ino) &&
	       power_disk_looked(power->disk);
}

/* From now on all that is there is durable. */
static bool adopt(struct power_folder *power)
{
	struct stat st;

	power_disk_free(&power->disk);
	if (stat(power->folder, &st) != 0)
		return say(strerror(errno), power->folder);
	power->disk = power_disk_create((uint64_t)st.st_ino);
	if (!power->disk)
		return say(strerror(ENOMEM), power->folder);
	return look(power) && power_disk_settle(power->disk);
}

/* ---- the log ---- */

/* One record. False at the end: the last one is not whole where the target died as it wrote it. */
static bool read_record(FILE *in, struct power_record *record, uint8_t **data, size_t *capacity)
{
	if (fread(record, sizeof(*record), 1, in) != 1 || record->magic != POWER_MAGIC ||
	    record->data_len > RECORD_LEN_MAX)
		return false;
	if (record->data_len > *capacity) {
		uint8_t *grown = realloc(*data, (size_t)record->data_len);

		if (!grown)
			return false;
		*data = grown;
		*capacity = (size_t)record->data_len;
	}
	return record->data_len == 0 || fread(*data, (size_t)record->data_len, 1, in) == 1;
}

static bool read_log(struct power_folder *power)
{
	FILE *in = fopen(power->log, "r");
	struct power_record record;
	uint8_t *data = NULL;
	size_t capacity = 0;
	bool taken = true;

	if (!in)
		return say("the target has not written down what it did: " SHIM_NAME
			   " is not beside holdfast-lab, or was not loaded",
			   power->log);
	power_disk_begin_log(power->disk);
	while (taken && read_record(in, &record, &data, &capacity))
		taken = power_disk_take(power->disk, &record, data);
	free(data);
	fclose(in);
	unlink(power->log);
	power->ran = false;
	return taken || say("has a record that makes no sense", power->log);
}

/* ---- start ---- */

/* A sanitizer wants to be the first library: not where this one was asked for. */
static void allow_sanitizer(struct power_folder *power)
{
	const char *options = getenv("ASAN_OPTIONS");

	snprintf(power->sanitizer, sizeof(power->sanitizer),
		 "ASAN_OPTIONS=%s%sverify_asan_link_order=0", options ? options : "",
		 options ? ":" : "");
}

/* The shim lies beside this program. */
static bool find_shim(struct power_folder *power)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof(SHIM_NAME));
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return say(strerror(errno), "/proc/self/exe");
	memcpy(slash + 1, SHIM_NAME, sizeof(SHIM_NAME));
	if (access(path, R_OK) != 0)
		return say("is needed for power cuts", path);
	snprintf(power->preload, sizeof(power->preload), "LD_PRELOAD=%s", path);
	return true;
}

struct power_folder *power_folder_create(const char *folder, const char *log)
{
	struct power_folder *power = calloc(1, sizeof(*power));

	if (!power) {
		say(strerror(ENOMEM), folder);
		return NULL;
	}
	snprintf(power->folder, sizeof(power->folder), "%s", folder);
	snprintf(power->log, sizeof(power->log), "%s", log);
	snprintf(power->log_variable, sizeof(power->log_variable), POWER_LOG_VARIABLE "=%s", log);
	allow_sanitizer(power);
	power->environment[0] = power->preload;
	power->environment[1] = power->log_variable;
	power->environment[2] = power->sanitizer;
	if (!find_shim(power) || !adopt(power))
		power_folder_free(&power);
	return power;
}

void power_folder_free(struct power_folder **power)
{
	if (!*power)
		return;
	power_disk_free(&(*power)->disk);
	free(*power);
	*power = NULL;
}

const char *const *power_folder_begin(struct power_folder *power)
{
	/* What a target did when it was killed may not be in its log. */
	if (power->ran && (!read_log(power) || !look(power)))
		return NULL;
	power->ran = true;
	return power->environment;
}

/* ---- the cut ---- */

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Holes stay holes. */
static int write_sparse(int fd, const struct power_thing *thing)
{
	int error = 0;

	for (uint64_t at = 0; at < thing->size && error == 0; at += CHUNK_LEN) {
		uint64_t left = thing->size - at;
		size_t len = (size_t)(left < CHUNK_LEN ? left : CHUNK_LEN);

		if (!is_zero(thing->bytes + at, len))
			error = pr_io_write(fd, at, thing->bytes + at, len);
	}
	return error;
}

static bool restore(void *context, const struct power_thing *thing)
{
	const struct power_folder *power = context;
	char path[PATH_LEN_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", power->folder, thing->path);
	int fd, error;

	if (len < 0 || (size_t)len >= sizeof(path))
		return say("is too long a path", thing->path);
	if (thing->is_directory)
		return mkdir(path, 0700) == 0 || say(strerror(errno), path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return say(strerror(errno), path);
	error = ftruncate(fd, (off_t)thing->size) == 0 ? write_sparse(fd, thing) : -errno;
	close(fd);
	return error == 0 || say(strerror(-error), path);
}

bool power_folder_cut(struct power_folder *power, uint64_t seed, struct power_losses *ret_losses)
{
	if (power->ran && !read_log(power))
		return false;
	if (!power_disk_cut(power->disk, seed, ret_losses))
		return say(strerror(ENOMEM), power->folder);
	daemon_child_remove_folder(power->folder);
	if (mkdir(power->folder, 0700) != 0)
		return say(strerror(errno), power->folder);
	return power_disk_walk(power->disk, restore, power) && adopt(power);
}
