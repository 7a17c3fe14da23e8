#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tools/holdfast/checker.h"

#define WORDS_MAX	256
#define ENVIRONMENT_MAX 4096

/* ---- place holders --------------------------------------------------------------------------- */

static void portal_text(const struct checker_target *target, unsigned portal, char *text,
			size_t len)
{
	snprintf(text, len, "127.0.0.1:%u",
		 target->tap_ports[portal < target->portals ? portal : 0]);
}

static const char *secret_of(const struct checker_target *target)
{
	return target->run->flags & CHECK_SHORT_SECRET ? CHECKER_SHORT_SECRET : CHECKER_SECRET;
}

/* What the initiator is told. */
static const char *target_secret_of(const struct checker_target *target)
{
	return target->run->flags & CHECK_SAME_SECRET ? CHECKER_SECRET : CHECKER_TARGET_SECRET;
}

/* What stands for "{name}"; NULL: no such place holder. */
static const char *value_of(const struct checker_target *target, const char *name, size_t len,
			    char *buffer, size_t buffer_len)
{
	bool chap = (target->run->flags & (CHECK_CHAP | CHECK_MUTUAL)) != 0;
	bool mutual = (target->run->flags & CHECK_MUTUAL) != 0;
	char portals[CHECKER_PORTALS_MAX][32], first_lba[16];

	snprintf(first_lba, sizeof(first_lba), "%u", target->first_lba);
	for (unsigned i = 0; i < CHECKER_PORTALS_MAX; i++)
		portal_text(target, i, portals[i], sizeof(portals[i]));
	const struct {
		const char *name, *value;
	} values[] = {
		{"portal", portals[0]},
		{"portal2", portals[1]},
		{"port2", strrchr(portals[1], ':') + 1},
		{"digests", target->run->flags & CHECK_DIGESTS ? "yes" : "no"},
		{"target", CHECKER_TARGET},
		{"lun", "0"},
		{"first-lba", first_lba},
		{"user", chap ? CHECKER_USER : ""},
		{"secret", chap ? secret_of(target) : ""},
		{"target-user", mutual ? CHECKER_TARGET_USER : ""},
		{"target-secret", mutual ? target_secret_of(target) : ""},
		{"work", check_work_name(target->work)},
		{"check", target->run->id},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strlen(values[i].name) != len || memcmp(values[i].name, name, len) != 0)
			continue;
		snprintf(buffer, buffer_len, "%s", values[i].value);
		return buffer;
	}
	return NULL;
}

char *checker_fill(const char *text, const struct checker_target *target)
{
	char *filled = NULL, value[256];
	size_t len = 0;
	FILE *out = open_memstream(&filled, &len);

	if (!out)
		return NULL;
	while (*text) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		const char *known = end ? value_of(target, text + 1, (size_t)(end - text - 1),
						   value, sizeof(value))
					: NULL;
		if (known)
			fputs(known, out);
		else
			fputc(*text, out);
		text = known ? end + 1 : text + 1;
	}
	if (fclose(out) != 0) {
		free(filled);
		return NULL;
	}
	return filled;
}

/* ---- the process ----------------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
} variables[] = {
	{"HOLDFAST_PORTAL", "{portal}"},
	{"HOLDFAST_PORTAL2", "{portal2}"},
	{"HOLDFAST_TARGET", "{target}"},
	{"HOLDFAST_LUN", "{lun}"},
	{"HOLDFAST_FIRST_LBA", "{first-lba}"},
	{"HOLDFAST_USER", "{user}"},
	{"HOLDFAST_SECRET", "{secret}"},
	{"HOLDFAST_TARGET_USER", "{target-user}"},
	{"HOLDFAST_TARGET_SECRET", "{target-secret}"},
	{"HOLDFAST_DIGESTS", "{digests}"},
	{"HOLDFAST_WORK", "{work}"},
	{"HOLDFAST_CHECK", "{check}"},
};
#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))

/* What the process gets, made before the fork: a child of several threads may not allocate. */
struct prepared {
	char *words[WORDS_MAX + 1];
	char *environment[ENVIRONMENT_MAX + 1];
};

static void prepared_free(struct prepared *prepared)
{
	for (size_t i = 0; prepared->words[i]; i++)
		free(prepared->words[i]);
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		free(prepared->environment[i]);
}

static bool prepare(struct prepared *prepared, const struct checker_options *options,
		    const struct checker_target *target)
{
	size_t count = 0;
	bool whole = true;

	memset(prepared, 0, sizeof(*prepared));
	for (; whole && options->command[count] && count < WORDS_MAX; count++) {
		prepared->words[count] = checker_fill(options->command[count], target);
		whole = prepared->words[count] != NULL;
	}
	for (count = 0; whole && count < VARIABLE_COUNT; count++) {
		char *value = checker_fill(variables[count].text, target);
		whole = value && asprintf(&prepared->environment[count], "%s=%s",
					  variables[count].name, value) >= 0;
		free(value);
	}
	for (size_t i = 0; environ[i] && count < ENVIRONMENT_MAX; i++)
		prepared->environment[count++] = environ[i];
	if (!whole)
		prepared_free(prepared);
	return whole;
}

static void become_command(struct prepared *prepared, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvpe(prepared->words[0], prepared->words, prepared->environment);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", prepared->words[0], strerror(errno));
	_exit(CHECKER_CANNOT_START);
}

bool checker_child_start(struct checker_child *child, const struct checker_options *options,
			 const struct checker_target *target)
{
	struct prepared prepared;
	int fds[2];

	memset(child, 0, sizeof(*child));
	child->out = -1;
	if (!prepare(&prepared, options, target))
		return false;
	child->output = calloc(1, CHECKER_OUTPUT_MAX + 1);
	if (child->output && pipe2(fds, O_CLOEXEC) == 0) {
		child->pid = fork();
		if (child->pid == 0)
			become_command(&prepared, fds[1]);
		close(fds[1]);
		child->out = fds[0];
		fcntl(child->out, F_SETFL, O_NONBLOCK);
	}
	prepared_free(&prepared);
	return child->pid > 0;
}

/* Of all that it says the end is kept. */
static void keep_output(struct checker_child *child, const char *bytes, size_t len)
{
	size_t room = CHECKER_OUTPUT_MAX - child->output_len;

	if (len > room) {
		size_t drop = len - room;
		memmove(child->output, child->output + drop, child->output_len - drop);
		child->output_len -= drop;
	}
	memcpy(child->output + child->output_len, bytes, len);
	child->output_len += len;
	child->output[child->output_len] = '\0';
}

static void read_output(struct checker_child *child)
{
	char bytes[CHECKER_OUTPUT_MAX];

	while (child->out >= 0) {
		ssize_t n = read(child->out, bytes, sizeof(bytes));
		if (n < 0)
			return;
		if (n == 0) {
			close(child->out);
			child->out = -1;
			return;
		}
		keep_output(child, bytes, (size_t)n);
	}
}

bool checker_child_poll(struct checker_child *child)
{
	read_output(child);
	if (child->pid > 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid) {
		read_output(child);
		kill(-child->pid, SIGKILL); /* what it may have left behind */
		if (child->out >= 0)
			close(child->out);
		child->out = -1;
		child->pid = 0;
	}
	return child->pid == 0;
}

void checker_child_kill(struct checker_child *child)
{
	if (child->pid > 0) {
		kill(-child->pid, SIGKILL);
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &child->status, 0);
		read_output(child);
		child->pid = 0;
	}
	if (child->out >= 0)
		close(child->out);
	child->out = -1;
}
