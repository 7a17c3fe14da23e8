#include "tools/holdfastd/state_dir.h"

#include <limits.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define INSTANCE_ID_TEXT_LEN 32 /* hexadecimal digits */
#define LOCK_PID_TRIES	     50
#define LOCK_PID_PAUSE_MS    10

void state_random(void *bytes, size_t len)
{
	uint8_t *at = bytes;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0 && errno != EINTR)
			abort(); /* a kernel without random numbers: nothing here would be safe */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

/* An fsync of a directory makes the names in it durable. */
static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return error;
}

/* The directory that `path` is in. */
static void parent_of(const char *path, char ret_parent[STATE_FILE_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(ret_parent, STATE_FILE_MAX, ".");
	else
		snprintf(ret_parent, STATE_FILE_MAX, "%.*s",
			 slash == path ? 1 : (int)(slash - path), path);
}

/*
 * What is there already may come from a process that died before it had made it durable. Where that
 * cannot be made up for, as the parent is not ours to read, it is not of our making either.
 */
static int accept_directory(const char *path)
{
	char parent[STATE_FILE_MAX];
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	parent_of(path, parent);
	sync_directory(parent);
	return 0;
}

static int make_one_directory(const char *path)
{
	char parent[STATE_FILE_MAX];

	if (mkdir(path, 0700) == 0) {
		parent_of(path, parent);
		return sync_directory(parent);
	}
	return errno == EEXIST ? accept_directory(path) : -errno;
}

/* mkdir -p, each name made durable. */
static int make_directories(const char *path)
{
	char part[STATE_FILE_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	if (stat(path, &st) == 0)
		return accept_directory(path);
	for (size_t i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		int error = make_one_directory(part);
		if (error || path[i] == '\0')
			return error;
	}
}

int state_dir_make_parent(const char *file)
{
	char parent[STATE_FILE_MAX];

	if (strlen(file) >= sizeof(parent))
		return -ENAMETOOLONG;
	parent_of(file, parent);
	return make_directories(parent);
}

bool state_dir_lun_file(const struct state_dir *state, const char *kind, const char *target_name,
			uint16_t lun, const char *suffix, char ret_path[STATE_FILE_MAX])
{
	int len = snprintf(ret_path, STATE_FILE_MAX, "%s/%s/%s/lun%u.%s", state->path, kind,
			   target_name, lun, suffix);
	return len >= 0 && len < STATE_FILE_MAX;
}

static bool process_exists(long pid)
{
	return pid > 0 && pid <= INT_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/*
 * Who holds the lock? What stands in the file counts only while the lock is held, and may for a
 * moment still be the process id of the holder's dead predecessor. 0: cannot be told.
 */
static long lock_holder(int fd)
{
	for (int i = 0; i < LOCK_PID_TRIES; i++) {
		char text[32] = "";
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		long pid = n > 0 ? strtol(text, NULL, 10) : 0;
		if (process_exists(pid))
			return pid;
		pause_ms(LOCK_PID_PAUSE_MS);
	}
	return 0;
}

static int lock_refused(const struct state_dir *state, int fd, char ret_error[STATE_ERROR_MAX])
{
	long pid = lock_holder(fd);

	if (pid > 0)
		snprintf(
			ret_error, STATE_ERROR_MAX,
			"another holdfastd, pid %ld, uses the state directory %s: stop it, or give "
			"this one its own with --state-dir DIR",
			pid, state->path);
	else
		snprintf(ret_error, STATE_ERROR_MAX,
			 "another holdfastd uses the state directory %s: stop it, or give this one "
			 "its own with --state-dir DIR",
			 state->path);
	return -EBUSY;
}

static int take_lock(struct state_dir *state, char ret_error[STATE_ERROR_MAX])
{
	char path[STATE_FILE_MAX], pid[32];

	snprintf(path, sizeof(path), "%s/lock", state->path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int error = -errno;
		snprintf(ret_error, STATE_ERROR_MAX, "%s: %s", path, strerror(-error));
		return error;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = -errno;
		if (error == -EWOULDBLOCK)
			error = lock_refused(state, fd, ret_error);
		else
			snprintf(ret_error, STATE_ERROR_MAX, "%s: %s", path, strerror(-error));
		close(fd);
		return error;
	}
	int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
		int error = errno ? -errno : -EIO;
		snprintf(ret_error, STATE_ERROR_MAX, "%s: %s", path, strerror(-error));
		close(fd);
		return error;
	}
	state->lock_fd = fd;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_instance_id(const char *text, uint8_t ret_id[16])
{
	for (size_t i = 0; i < 16; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		ret_id[i] = (uint8_t)(high << 4 | low);
	}
	return text[INSTANCE_ID_TEXT_LEN] == '\n' || text[INSTANCE_ID_TEXT_LEN] == '\0';
}

/* 1: read; 0: not there; negative errno: unreadable, -EUCLEAN when it is not an id. */
static int read_instance_id(const char *path, uint8_t ret_id[16])
{
	char text[INSTANCE_ID_TEXT_LEN + 8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int error = n < 0 ? -errno : 0;
	close(fd);
	if (error)
		return error;
	return parse_instance_id(text, ret_id) ? 1 : -EUCLEAN;
}

/* New file, write, fsync, rename, fsync of the directory: it is whole or not there. */
static int write_instance_id(const char *dir, const char *path, const uint8_t id[16])
{
	char temporary[STATE_FILE_MAX + 8], text[INSTANCE_ID_TEXT_LEN + 2];
	int error = 0;

	for (size_t i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	text[INSTANCE_ID_TEXT_LEN] = '\n';
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, INSTANCE_ID_TEXT_LEN + 1);
	if (n != INSTANCE_ID_TEXT_LEN + 1)
		error = n < 0 ? -errno : -EIO;
	else if (fsync(fd) != 0)
		error = -errno;
	close(fd);
	if (!error && rename(temporary, path) != 0)
		error = -errno;
	if (error) {
		unlink(temporary);
		return error;
	}
	return sync_directory(dir);
}

static int load_instance_id(struct state_dir *state, char ret_error[STATE_ERROR_MAX])
{
	char path[STATE_FILE_MAX];

	snprintf(path, sizeof(path), "%s/instance-id", state->path);
	int error = read_instance_id(path, state->instance_id);
	/* Its name may not be durable yet, either. */
	if (error > 0)
		return sync_directory(state->path);
	if (error == 0) {
		state_random(state->instance_id, sizeof(state->instance_id));
		error = write_instance_id(state->path, path, state->instance_id);
	}
	if (error == -EUCLEAN)
		snprintf(ret_error, STATE_ERROR_MAX,
			 "%s does not hold 32 hexadecimal digits. It makes the serial numbers of "
			 "the disks: put back the right one, or remove the file if no initiator "
			 "remembers these disks",
			 path);
	else if (error)
		snprintf(ret_error, STATE_ERROR_MAX, "%s: %s", path, strerror(-error));
	return error;
}

int state_dir_open(const char *path, struct state_dir *ret_state, char ret_error[STATE_ERROR_MAX])
{
	struct state_dir state = {.lock_fd = -1};
	char resolved[PATH_MAX];

	int error = make_directories(path);
	if (!error && !realpath(path, resolved))
		error = -errno;
	if (!error && strlen(resolved) >= sizeof(state.path))
		error = -ENAMETOOLONG;
	if (error) {
		snprintf(ret_error, STATE_ERROR_MAX,
			 "state directory %s: %s; --state-dir DIR names another", path,
			 strerror(-error));
		return error;
	}
	memcpy(state.path, resolved, strlen(resolved) + 1);
	error = take_lock(&state, ret_error);
	if (error)
		return error;
	error = load_instance_id(&state, ret_error);
	if (error) {
		state_dir_close(&state);
		return error;
	}
	*ret_state = state;
	return 0;
}

void state_dir_close(struct state_dir *state)
{
	if (state->lock_fd < 0)
		return;
	/* The file stays: removing it would let two daemons lock two files of one name. */
	if (ftruncate(state->lock_fd, 0) != 0)
		errno = 0; /* an old process id in it does no harm */
	close(state->lock_fd);
	state->lock_fd = -1;
}
