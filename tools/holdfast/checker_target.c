#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tools/common/daemon_child.h"
#include "tools/holdfast/checker.h"
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

#define DISK_SIZE "8M"

static bool say(const char *what, const char *of)
{
	fprintf(stderr, "holdfast: %s: %s\n", of, what);
	return false;
}

/* ---- configuration --------------------------------------------------------------------------- */

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

static void print_target(FILE *out, const struct check_run *run)
{
	fputs("targets = ( { name = \"" CHECKER_TARGET "\"; observe = true;\n", out);
	if (run->flags & (CHECK_CHAP | CHECK_MUTUAL))
		fputs("\tuser = \"" CHECKER_USER "\";\n", out);
	if (run->flags & CHECK_MUTUAL)
		fputs("\tmutual = \"" CHECKER_TARGET_USER "\";\n", out);
	fprintf(out, "\t%s\n\tluns = ( { number = 0; size = \"" DISK_SIZE "\"; %s %s } ); } );\n",
		or_nothing(run->target), run->flags & CHECK_SPC4 ? "profile = \"spc4\";" : "",
		or_nothing(run->lun));
}

/* One loop, so that the traces of two runs can be laid side by side; and targets are many. */
static void print_config(FILE *out, const struct checker_target *target)
{
	const struct check_run *run = target->run;
	bool one_group = (run->flags & CHECK_ONE_GROUP) != 0;

	fprintf(out,
		"state_dir = \"%s/state\";\nthreads = 1;\nlog_level = \"warning\";\nportals = (",
		target->folder);
	for (unsigned i = 0; i < target->portals; i++)
		fprintf(out,
			"%s{ address = \"127.0.0.1:%u\"; advertise = \"127.0.0.1:%u\"; group = %u; }",
			i == 0 ? " " : ", ", target->ports[i], target->tap_ports[i],
			one_group ? 1 : i + 1);
	fputs(" );\n", out);
	if (run->flags & (CHECK_CHAP | CHECK_MUTUAL))
		fprintf(out, "secrets = \"%s/secrets\";\n", target->folder);
	fprintf(out, "limits = { %s };\npolicy = { %s };\n", or_nothing(run->limits),
		or_nothing(run->policy));
	print_target(out, run);
}

static bool write_secrets(const struct checker_target *target)
{
	char path[128];
	bool is_short = (target->run->flags & CHECK_SHORT_SECRET) != 0;

	snprintf(path, sizeof(path), "%s/secrets", target->folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return say(strerror(errno), path);
	int written = dprintf(fd, "%s %s\n%s %s\n", CHECKER_USER,
			      is_short ? CHECKER_SHORT_SECRET : CHECKER_SECRET, CHECKER_TARGET_USER,
			      CHECKER_TARGET_SECRET);
	close(fd);
	return written > 0 || say("cannot be written", path);
}

static bool write_config(const struct checker_target *target, const char *path)
{
	FILE *out = fopen(path, "w");
	bool written;

	if (!out)
		return say(strerror(errno), path);
	print_config(out, target);
	written = ferror(out) == 0;
	if (fclose(out) != 0 || !written)
		return say("cannot be written", path);
	return !(target->run->flags & (CHECK_CHAP | CHECK_MUTUAL)) || write_secrets(target);
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool take_ready_line(struct checker_target *target, const json_t *ready)
{
	const json_t *portals = json_object_get(ready, "portals");
	const char *control = json_string_value(json_object_get(ready, "control"));
	bool taken = json_array_size(portals) == target->portals && control &&
		     strlen(control) < sizeof(target->control.control);

	if (taken)
		snprintf(target->control.control, sizeof(target->control.control), "%s", control);
	for (unsigned i = 0; taken && i < target->portals; i++) {
		const char *address = json_string_value(json_array_get(portals, i));
		const char *colon = address ? strrchr(address, ':') : NULL;
		taken = colon != NULL;
		if (taken)
			target->ports[i] = (uint16_t)strtoul(colon + 1, NULL, 10);
	}
	return taken;
}

/* What the daemon said before it went. */
static void show_log(const struct checker_target *target)
{
	char path[96], line[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", target->folder);
	in = fopen(path, "r");
	while (in && fgets(line, sizeof(line), in))
		fprintf(stderr, "  | %s", line);
	if (in)
		fclose(in);
}

bool checker_target_restart(struct checker_target *target, const char *holdfastd)
{
	char config[96];

	snprintf(config, sizeof(config), "%s/holdfast.conf", target->folder);
	if (!write_config(target, config))
		return false;
	json_t *line = daemon_child_start(holdfastd, target->folder, false, NULL, &target->pid);
	bool ready = line && take_ready_line(target, line);
	json_decref(line);
	if (target->pid == 0)
		return say(strerror(errno), holdfastd);
	if (ready)
		return true;
	say("did not get ready", holdfastd);
	show_log(target);
	checker_target_kill(target);
	return false;
}

bool checker_target_start(struct checker_target *target, const char *holdfastd)
{
	strcpy(target->folder, "/tmp/holdfast-check-XXXXXX");
	if (!mkdtemp(target->folder)) {
		target->folder[0] = '\0';
		return say(strerror(errno), "/tmp");
	}
	return checker_target_restart(target, holdfastd);
}

/* ---- the end, and questions ------------------------------------------------------------------ */

void checker_target_kill(struct checker_target *target)
{
	if (target->pid <= 0)
		return;
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	target->pid = 0;
}

void checker_target_finish(struct checker_target *target)
{
	checker_target_kill(target);
	if (target->folder[0])
		daemon_child_remove_folder(target->folder);
}

bool checker_target_misbehave(struct checker_target *target, char *ret_why, size_t len)
{
	const struct check_run *run = target->run;
	bool taken = true;

	for (size_t i = 0; taken && i < CHECK_RULES_MAX && run->rules[i]; i++) {
		char *rule = checker_rule(run->rules[i], target);
		json_t *reply = client_exchange(
			target->control.control,
			json_pack("{s:s,s:s}", "command", "fault-add", "rule", rule ? rule : ""));
		taken = member_is_true(reply, "ok");
		if (!taken)
			snprintf(ret_why, len, "the target does not take `%s`: %s", run->rules[i],
				 member_text(reply, "error"));
		json_decref(reply);
		free(rule);
	}
	return taken;
}

void checker_target_step(struct checker_target *target, unsigned ms)
{
	if (target->pid > 0)
		json_decref(client_exchange(
			target->control.control,
			json_pack("{s:s,s:I}", "command", "clock-step", "ms", (json_int_t)ms)));
}

json_t *checker_target_ask(struct checker_target *target, const char *command)
{
	if (target->pid <= 0)
		return NULL;
	return client_exchange(target->control.control, json_pack("{s:s}", "command", command));
}
