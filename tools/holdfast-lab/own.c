#include "tools/holdfast-lab/own.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/daemon_child.h"
#include "tools/common/state_path.h"

#define STOP_TIMEOUT_MS 20000
#define LOG_LINES	20 /* that are shown */
#define TARGET_NAME	"iqn.2026-11.io.holdfast:lab"
#define DISK_SIZE	"8M"

struct own {
	pid_t pid; /* 0: does not run */
	char folder[64];
	char holdfastd[1024];
	char profile[32];
	unsigned luns, ports, registrations_max, threads;
	bool tas;
	struct power_folder *power; /* NULL: nobody will cut it */
	char addresses[LAB_PORTALS_MAX][HISTORY_PORTAL_MAX + 1];
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool say(const char *what, const char *of)
{
	fprintf(stderr, "holdfast-lab: %s: %s\n", of, what);
	return false;
}

/* ---- configuration ---- */

static bool write_config(const struct own *own, const char *path)
{
	FILE *out = fopen(path, "w");
	bool written;

	if (!out)
		return say(strerror(errno), path);
	if (own->threads > 0)
		fprintf(out, "threads = %u;\n", own->threads);
	/* What io_uring does nobody else sees. */
	if (own->power)
		fputs("disk_io = \"threads\";\n", out);
	fprintf(out, "state_dir = \"%s/state\";\nportals = (", own->folder);
	for (unsigned i = 0; i < own->ports; i++)
		fprintf(out, "%s{ address = \"%s\"; group = %u; }", i == 0 ? " " : ", ",
			own->addresses[i], i + 1);
	fputs(" );\ntargets = ( { name = \"" TARGET_NAME "\"; luns = (", out);
	for (unsigned i = 0; i < own->luns; i++) {
		fprintf(out,
			"%s\n\t{ number = %u; size = \"" DISK_SIZE
			"\"; profile = \"%s\"; tas = %s;",
			i == 0 ? "" : ",", i, own->profile, own->tas ? "true" : "false");
		if (own->registrations_max > 0)
			fprintf(out, " max_registrations = %u;", own->registrations_max);
		fputs(" }", out);
	}
	fputs(" ); } );\n", out);
	written = ferror(out) == 0;
	if (fclose(out) != 0 || !written)
		return say("cannot be written", path);
	return true;
}

/* ---- start ---- */

static bool take_ready_line(struct own *own, const json_t *ready)
{
	const json_t *portals = json_object_get(ready, "portals");
	bool taken = json_array_size(portals) == own->ports;

	for (unsigned i = 0; taken && i < own->ports; i++) {
		const char *address = json_string_value(json_array_get(portals, i));
		taken = address && strlen(address) <= HISTORY_PORTAL_MAX;
		if (taken)
			snprintf(own->addresses[i], sizeof(own->addresses[i]), "%s", address);
	}
	return taken;
}

/* What the daemon said last before it went. */
static void show_log(const struct own *own)
{
	char path[96], lines[LOG_LINES][512];
	size_t count = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", own->folder);
	in = fopen(path, "r");
	if (!in)
		return;
	while (fgets(lines[count % LOG_LINES], sizeof(lines[0]), in))
		count++;
	fclose(in);
	for (size_t i = count > LOG_LINES ? count - LOG_LINES : 0; i < count; i++)
		fprintf(stderr, "  | %s", lines[i % LOG_LINES]);
}

bool own_restart(struct own *own)
{
	const char *const *environment = NULL;
	char config[96];

	snprintf(config, sizeof(config), "%s/holdfast.conf", own->folder);
	if (!write_config(own, config))
		return false;
	if (own->power)
		environment = power_folder_begin(own->power);
	if (own->power && !environment)
		return false;
	/* A Ctrl-C is for the lab, which ends its target in order. */
	json_t *line =
		daemon_child_start(own->holdfastd, own->folder, true, environment, &own->pid);
	bool ready = line && take_ready_line(own, line);
	json_decref(line);
	if (own->pid == 0)
		return say(strerror(errno), own->holdfastd);
	if (ready)
		return true;
	say("did not get ready", own->holdfastd);
	show_log(own);
	own_kill(own);
	return false;
}

static bool expect_power_cuts(struct own *own)
{
	char state[80], log[80];

	snprintf(state, sizeof(state), "%s/state", own->folder);
	snprintf(log, sizeof(log), "%s/power.log", own->folder);
	if (mkdir(state, 0700) != 0)
		return say(strerror(errno), state);
	own->power = power_folder_create(state, log);
	return own->power != NULL;
}

struct own *own_start(const struct own_options *options)
{
	struct own *own = calloc(1, sizeof(*own));

	if (!own) {
		say(strerror(ENOMEM), options->holdfastd);
		return NULL;
	}
	snprintf(own->holdfastd, sizeof(own->holdfastd), "%s", options->holdfastd);
	snprintf(own->profile, sizeof(own->profile), "%s", options->profile);
	own->luns = options->luns > 0 ? options->luns : 1;
	own->ports = options->ports > 0 ? options->ports : 1;
	own->registrations_max = options->registrations_max;
	own->threads = options->threads;
	own->tas = options->tas;
	for (unsigned i = 0; i < own->ports; i++)
		strcpy(own->addresses[i], "127.0.0.1:0");
	strcpy(own->folder, "/tmp/holdfast-lab-XXXXXX");
	if (!mkdtemp(own->folder)) {
		say(strerror(errno), own->folder);
		free(own);
		return NULL;
	}
	if ((options->power_cuts && !expect_power_cuts(own)) || !own_restart(own))
		own_free(&own);
	return own;
}

/* ---- the end ---- */

bool own_runs(const struct own *own)
{
	return own->pid > 0;
}

bool own_died(struct own *own)
{
	int status;

	if (own->pid <= 0 || waitpid(own->pid, &status, WNOHANG) != own->pid)
		return false;
	own->pid = 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "holdfast-lab: %s was ended by signal %d\n", own->holdfastd,
			WTERMSIG(status));
	else
		fprintf(stderr, "holdfast-lab: %s ended with status %d\n", own->holdfastd,
			WEXITSTATUS(status));
	show_log(own);
	return true;
}

void own_kill(struct own *own)
{
	if (own->pid <= 0)
		return;
	kill(own->pid, SIGKILL);
	waitpid(own->pid, NULL, 0);
	own->pid = 0;
}

bool own_power_can_be_cut(const struct own *own)
{
	return own->power != NULL;
}

bool own_cut_power(struct own *own, uint64_t seed, struct power_losses *ret_losses)
{
	own_kill(own);
	return power_folder_cut(own->power, seed, ret_losses);
}

bool own_stop(struct own *own)
{
	long long deadline = now_ms() + STOP_TIMEOUT_MS;
	int status;

	if (own->pid <= 0)
		return true;
	kill(own->pid, SIGTERM);
	while (waitpid(own->pid, &status, WNOHANG) == 0) {
		if (now_ms() > deadline) {
			own_kill(own);
			return say("did not stop in time", own->holdfastd);
		}
		poll(NULL, 0, 5);
	}
	own->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	say("did not stop in order", own->holdfastd);
	show_log(own);
	return false;
}

void own_free(struct own **own)
{
	if (!*own)
		return;
	own_kill(*own);
	power_folder_free(&(*own)->power);
	daemon_child_remove_folder((*own)->folder);
	free(*own);
	*own = NULL;
}

/* ---- what it is ---- */

void own_fill_target(const struct own *own, struct lab_target *ret_target)
{
	memset(ret_target, 0, sizeof(*ret_target));
	strcpy(ret_target->name, TARGET_NAME);
	ret_target->portal_count = own->ports;
	for (unsigned i = 0; i < own->ports; i++)
		memcpy(ret_target->portals[i].address, own->addresses[i],
		       sizeof(own->addresses[i]));
}

const char *own_control_path(const struct own *own, char *buffer, size_t len)
{
	snprintf(buffer, len, "%s/state/" STATE_CONTROL_SOCKET, own->folder);
	return buffer;
}

const char *own_journal_path(const struct own *own, unsigned lun, char *buffer, size_t len)
{
	snprintf(buffer, len, "%s/state/reservations/" TARGET_NAME "/lun%u.journal", own->folder,
		 lun);
	return buffer;
}

const char *own_disk_path(const struct own *own, unsigned lun, char *buffer, size_t len)
{
	snprintf(buffer, len, "%s/state/disks/" TARGET_NAME "/lun%u.img", own->folder, lun);
	return buffer;
}
