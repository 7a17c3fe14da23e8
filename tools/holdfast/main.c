/*
 * holdfast: looks into a running holdfastd, and into reservation journals; scripts access states.
 * See holdfast(1).
 */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "tools/common/option_error.h"
#include "tools/holdfast/command.h"

static const struct command commands[] = {
	{{"status", NULL}, "", 0, 0, "what is served, and how it fares", command_status},
	{{"sessions", NULL}, "", 0, 0, "who is logged in", command_sessions},
	{{"pr", "show"}, "[LUN]", 0, 1, "reservation and registrations", command_pr_show},
	{{"lun", "add"},
	 "LUN [SETTING=VALUE]...",
	 1,
	 ARGUMENTS_MAX,
	 "serve one LUN more",
	 command_lun_add},
	{{"lun", "remove"}, "LUN", 1, 1, "serve it no longer", command_lun_remove},
	{{"lun", "resize"}, "LUN [SIZE]", 1, 2, "make it grow", command_lun_resize},
	{{"alua", "show"}, "LUN", 1, 1, "asymmetric access states", command_alua_show},
	{{"alua", "set"}, "LUN GROUP STATE", 3, 3, "changes one of them", command_alua_set},
	{{"observe", "on"}, "", 0, 0, "judge what initiators send", command_observe_on},
	{{"observe", "off"}, "", 0, 0, "no longer", command_observe_off},
	{{"observe", "show"}, "", 0, 0, "what was found", command_observe_show},
	{{"observe", "clear"}, "", 0, 0, "forget what was found", command_observe_clear},
	{{"fault", "add"}, "RULE", 1, ARGUMENTS_MAX, "misbehave on purpose", command_fault_add},
	{{"fault", "list"}, "", 0, 0, "the rules, and how often they fired", command_fault_list},
	{{"fault", "clear"}, "[RULE]", 0, 1, "take them away", command_fault_clear},
	{{"fault", "release"}, "[RULE]", 0, 1, "let go what they hold", command_fault_release},
	{{"clock", "freeze"}, "", 0, 0, "hold the daemon's timers", command_clock_freeze},
	{{"clock", "step"}, "TIME", 1, 1, "move them on", command_clock_step},
	{{"clock", "resume"}, "", 0, 0, "let them go", command_clock_resume},
	{{"clock", NULL}, "", 0, 0, "how they stand", command_clock},
	{{"async", NULL},
	 "TSIH EVENT [NAME=VALUE]...",
	 2,
	 ARGUMENTS_MAX,
	 "an asynchronous message to a session",
	 command_async},
	{{"trace", NULL}, "", 0, 0, "what happens, as it happens", command_trace},
	{{"capture", NULL}, "FILE", 1, 1, "every PDU, for packet analyzers", command_capture},
	{{"explain", NULL}, "", 0, 0, "who may read and write what, and why", command_explain},
	{{"journal", "show"},
	 "FILE",
	 1,
	 1,
	 "every record: what happened when",
	 command_journal_show},
	{{"journal", "check"}, "FILE", 1, 1, "is this journal sound?", command_journal_check},
};
#define COMMAND_COUNT	 (sizeof(commands) / sizeof(commands[0]))
#define COMMAND_TEXT_MAX 64

enum option_id {
	OPTION_JSON = 256,
	OPTION_CONTROL,
	OPTION_STATE_DIR,
	OPTION_TARGET,
	OPTION_INITIATOR,
	OPTION_LUN,
	OPTION_COMMAND,
	OPTION_STATUS,
	OPTION_KIND,
	OPTION_LAST,
	OPTION_FOLLOW,
	OPTION_PDUS,
	OPTION_DURATION,
	OPTION_COUNT,
	OPTION_SNAP,
};

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"control", required_argument, NULL, OPTION_CONTROL},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"target", required_argument, NULL, OPTION_TARGET},
	{"initiator", required_argument, NULL, OPTION_INITIATOR},
	{"lun", required_argument, NULL, OPTION_LUN},
	{"command", required_argument, NULL, OPTION_COMMAND},
	{"status", required_argument, NULL, OPTION_STATUS},
	{"kind", required_argument, NULL, OPTION_KIND},
	{"last", required_argument, NULL, OPTION_LAST},
	{"follow", no_argument, NULL, OPTION_FOLLOW},
	{"pdus", no_argument, NULL, OPTION_PDUS},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"snap", required_argument, NULL, OPTION_SNAP},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static void command_words(const struct command *c, char ret_text[COMMAND_TEXT_MAX])
{
	snprintf(ret_text, COMMAND_TEXT_MAX, "%s%s%s", c->words[0], c->words[1] ? " " : "",
		 c->words[1] ? c->words[1] : "");
}

static void print_usage(FILE *out)
{
	fputs("usage: holdfast COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *c = &commands[i];
		char text[COMMAND_TEXT_MAX], words[2 * COMMAND_TEXT_MAX];
		command_words(c, text);
		snprintf(words, sizeof(words), "%s %s", text, c->operands);
		fprintf(out, "  %-32s %s\n", words, c->doc);
	}
	fputs("  check-initiator ...    judges an initiator, see --help behind it\n"
	      "  lab COMMAND ...        plays initiators, and judges what came back\n",
	      out);
	fputs("\n"
	      "      --json           output for scripts\n"
	      "      --state-dir DIR  of the daemon to ask\n"
	      "      --control PATH   its control socket, wherever that is\n"
	      "      --target IQN     of the several that it serves\n"
	      "      --initiator NAME of trace: whose events; * and ? work\n"
	      "      --lun N          of trace: of this LUN\n"
	      "      --command NAME   of trace: read-10, read, pr-out, 0x28 ...\n"
	      "      --status STATUS  of trace: good, check, conflict, busy ...\n"
	      "      --kind KIND      of trace: command, conflict, pr-change, connection ...\n"
	      "      --last N         of trace: what is kept in memory, and no more\n"
	      "      --follow         of trace: with --last, and then what happens\n"
	      "      --pdus           of trace: PDUs too\n"
	      "      --duration SECONDS, --count N, --snap BYTES\n"
	      "                       of capture: for so long, so many PDUs, cut to so many bytes\n"
	      "  -h, --help           show this text, and exit\n"
	      "  -V, --version        show the version, and exit\n\n"
	      "Exit status: 0 fine, 1 damaged journal, 2 wrong usage, 3 no daemon answers,\n"
	      "4 the daemon refused or a file could not be read.\n",
	      out);
}

/* Which command do the words begin with? NULL when none. */
static const struct command *find_command(int count, char **words)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *c = &commands[i];
		if (count < 1 || strcmp(words[0], c->words[0]) != 0)
			continue;
		if (!c->words[1] || (count > 1 && strcmp(words[1], c->words[1]) == 0))
			return c;
	}
	return NULL;
}

/* "sttaus", "pr shwo", and "journal" alone. False: nothing comes near. */
static bool suggest_command(int count, char **words, char ret_text[COMMAND_TEXT_MAX])
{
	char typed[COMMAND_TEXT_MAX], known[COMMAND_COUNT][COMMAND_TEXT_MAX];
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	snprintf(typed, sizeof(typed), "%s%s%s", words[0], count > 1 ? " " : "",
		 count > 1 ? words[1] : "");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		command_words(&commands[i], known[i]);
		config_consider(typed, known[i], &best, &best_cost);
		if (!best && count == 1 && strcmp(words[0], commands[i].words[0]) == 0)
			best = known[i];
	}
	if (best)
		snprintf(ret_text, COMMAND_TEXT_MAX, "%s", best);
	return best != NULL;
}

static void unknown_command(int count, char **words)
{
	char text[COMMAND_TEXT_MAX];
	const char *proposal = suggest_command(count, words, text) ? text : NULL;

	fprintf(stderr, "holdfast: unknown command `%s%s%s`%s%s%s\n", words[0],
		count > 1 ? " " : "", count > 1 ? words[1] : "", proposal ? ": did you mean `" : "",
		proposal ? proposal : "", proposal ? "`?" : "");
	fprintf(stderr, "holdfast: `holdfast --help` shows the commands\n");
}

static bool set_control(struct arguments *arguments, const char *control, const char *state_dir)
{
	char dir[STATE_PATH_MAX];
	int len = 0;

	if (control) {
		len = snprintf(arguments->control, sizeof(arguments->control), "%s", control);
	} else if (state_dir) {
		len = snprintf(arguments->control, sizeof(arguments->control), "%s/%s", state_dir,
			       STATE_CONTROL_SOCKET);
	} else if (state_default_dir(dir)) {
		len = snprintf(arguments->control, sizeof(arguments->control), "%s/%s", dir,
			       STATE_CONTROL_SOCKET);
	} else {
		return true; /* a command that needs it will complain */
	}
	if (len > 0 && (size_t)len < sizeof(arguments->control))
		return true;
	fprintf(stderr, "holdfast: the path of the control socket is too long\n");
	return false;
}

/* True: go on with the words from *ret_first. False: exit with *ret_status. */
static bool parse_options(int argc, char **argv, struct arguments *arguments,
			  enum exit_status *ret_status)
{
	const char *control = NULL, *state_dir = NULL;
	int id;

	*ret_status = STATUS_USAGE;
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":hV", long_options, NULL)) != -1) {
		switch (id) {
		case OPTION_JSON:
			arguments->json = true;
			break;
		case OPTION_CONTROL:
			control = optarg;
			break;
		case OPTION_STATE_DIR:
			state_dir = optarg;
			break;
		case OPTION_TARGET:
			arguments->target = optarg;
			break;
		case OPTION_INITIATOR:
			arguments->initiator = optarg;
			break;
		case OPTION_LUN:
			arguments->lun = optarg;
			break;
		case OPTION_COMMAND:
			arguments->name = optarg;
			break;
		case OPTION_STATUS:
			arguments->status = optarg;
			break;
		case OPTION_KIND:
			arguments->kind = optarg;
			break;
		case OPTION_LAST:
			arguments->last = optarg;
			break;
		case OPTION_FOLLOW:
			arguments->follow = true;
			break;
		case OPTION_DURATION:
			arguments->duration = optarg;
			break;
		case OPTION_COUNT:
			arguments->count = optarg;
			break;
		case OPTION_SNAP:
			arguments->snap = optarg;
			break;
		case OPTION_PDUS:
			arguments->pdus = true;
			break;
		case 'h':
			print_usage(stdout);
			*ret_status = STATUS_OK;
			return false;
		case 'V':
			puts("holdfast " HOLDFAST_VERSION);
			*ret_status = STATUS_OK;
			return false;
		default:
			option_error("holdfast", long_options, id, argv);
			return false;
		}
	}
	return set_control(arguments, control, state_dir);
}

static enum exit_status run(int count, char **words, struct arguments *arguments)
{
	const struct command *command = find_command(count, words);

	if (!command) {
		if (count > 0)
			unknown_command(count, words);
		else
			print_usage(stderr);
		return STATUS_USAGE;
	}
	int own = command->words[1] ? 2 : 1;
	int operands = count - own;
	if (operands < command->operands_min || operands > command->operands_max) {
		char text[COMMAND_TEXT_MAX];
		command_words(command, text);
		if (operands > command->operands_max)
			fprintf(stderr,
				"holdfast: unexpected argument `%s`; usage: holdfast %s%s%s\n",
				words[own + command->operands_max], text,
				command->operands[0] ? " " : "", command->operands);
		else
			fprintf(stderr, "holdfast: %s needs %s\n", text, command->operands);
		return STATUS_USAGE;
	}
	for (int i = 0; i < operands; i++)
		arguments->words[i] = words[own + i];
	return command->run(arguments);
}

/* `holdfast lab ...` is a program of its own, beside this one or in the PATH. Returns on failure.
 */
static enum exit_status become_the_lab(char **argv)
{
	char path[STATE_PATH_MAX] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-lab"));
	static char name[] = "holdfast-lab";

	argv[0] = name;
	if (len > 0 && (size_t)len < sizeof(path) - sizeof("-lab")) {
		memcpy(path + len, "-lab", sizeof("-lab"));
		execv(path, argv);
	}
	execvp(name, argv);
	fprintf(stderr, "holdfast: cannot start holdfast-lab: %s\n", strerror(errno));
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.json = false};
	enum exit_status status;

	if (argc > 1 && strcmp(argv[1], "lab") == 0)
		return (int)become_the_lab(argv + 1);
	if (argc > 1 && strcmp(argv[1], "check-initiator") == 0) {
		status = command_check_initiator(argc - 1, argv + 1);
		return fflush(stdout) != 0 && status == STATUS_OK ? STATUS_FAILED : (int)status;
	}
	if (!parse_options(argc, argv, &arguments, &status))
		return (int)status;
	status = run(argc - optind, argv + optind, &arguments);
	if (fflush(stdout) != 0 && status == STATUS_OK)
		status = STATUS_FAILED;
	return (int)status;
}
