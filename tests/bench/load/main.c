/*
 * bench load: one load against one target, one line of JSON.
 *
 *   load --port N --target IQN --op read|write|tur|register|idle [--address A] [--lun N]
 *        [--size BYTES] [--depth N] [--sessions N] [--seconds S] [--warmup S] [--span BYTES]
 * [--sequential]
 *        [--header-digest] [--data-digest] [--pid PID]...
 *
 * The CPU time that the processes --pid use while it measures is theirs a command.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/load.h"

#define EVENTS_MAX 64

struct snapshot {
	uint64_t ns, commands;
	double target_cpu_s, own_cpu_s;
};

uint64_t load_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void load_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

/* utime and stime: fields 14 and 15 of /proc/PID/stat, counted from behind the name. */
static double cpu_of(int pid)
{
	char path[64], line[1024];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		load_fail("%s: %s", path, strerror(errno));
	fclose(file);
	const char *rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
			    &system) != 2)
		load_fail("%s: not understood", path);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static struct snapshot take_snapshot(const struct load_options *options,
				     const struct load_session *sessions)
{
	struct snapshot now = {.ns = load_now_ns()};
	struct rusage own;

	for (uint32_t i = 0; i < options->sessions; i++)
		now.commands += sessions[i].commands;
	for (unsigned i = 0; i < options->pid_count; i++)
		now.target_cpu_s += cpu_of(options->pids[i]);
	getrusage(RUSAGE_SELF, &own);
	now.own_cpu_s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
			(double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6;
	return now;
}

/* ---- options --------------------------------------------------------------------------------- */

static const struct option long_options[] = {
	{"address", required_argument, NULL, 'a'}, {"port", required_argument, NULL, 'p'},
	{"target", required_argument, NULL, 't'},  {"lun", required_argument, NULL, 'l'},
	{"op", required_argument, NULL, 'o'},	   {"size", required_argument, NULL, 's'},
	{"depth", required_argument, NULL, 'd'},   {"sessions", required_argument, NULL, 'n'},
	{"seconds", required_argument, NULL, 'S'}, {"warmup", required_argument, NULL, 'w'},
	{"span", required_argument, NULL, 'r'},	   {"sequential", no_argument, NULL, 'q'},
	{"header-digest", no_argument, NULL, 'H'}, {"data-digest", no_argument, NULL, 'D'},
	{"pid", required_argument, NULL, 'P'},	   {NULL, 0, NULL, 0},
};

static enum load_op op_of(const char *name)
{
	if (strcmp(name, "read") == 0)
		return LOAD_READ;
	if (strcmp(name, "write") == 0)
		return LOAD_WRITE;
	if (strcmp(name, "tur") == 0)
		return LOAD_TEST_UNIT_READY;
	if (strcmp(name, "register") == 0)
		return LOAD_REGISTER;
	if (strcmp(name, "idle") == 0)
		return LOAD_IDLE;
	load_fail("--op %s: must be read, write, tur, register or idle", name);
}

static uint64_t number_of(const char *text, uint64_t min, uint64_t max)
{
	char *end = NULL;
	unsigned long long value = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < min || value > max)
		load_fail("%s: must be a number from %llu to %llu", text, (unsigned long long)min,
			  (unsigned long long)max);
	return value;
}

static void add_pid(struct load_options *options, const char *text)
{
	if (options->pid_count == LOAD_PIDS_MAX)
		load_fail("too many --pid");
	options->pids[options->pid_count++] = (int)number_of(text, 1, INT32_MAX);
}

static void set_option(struct load_options *options, int id)
{
	switch (id) {
	case 'a':
		options->address = optarg;
		break;
	case 'p':
		options->port = (uint16_t)number_of(optarg, 1, UINT16_MAX);
		break;
	case 't':
		options->target = optarg;
		break;
	case 'l':
		options->lun = (uint8_t)number_of(optarg, 0, UINT8_MAX);
		break;
	case 'o':
		options->op = op_of(optarg);
		break;
	case 's':
		options->size = (uint32_t)number_of(optarg, LOAD_BLOCK, LOAD_TRANSFER_MAX);
		break;
	case 'd':
		options->depth = (uint32_t)number_of(optarg, 1, LOAD_DEPTH_MAX);
		break;
	case 'n':
		options->sessions = (uint32_t)number_of(optarg, 1, LOAD_SESSIONS_MAX);
		break;
	case 'S':
		options->seconds = strtod(optarg, NULL);
		break;
	case 'w':
		options->warmup = strtod(optarg, NULL);
		break;
	case 'r':
		options->span = number_of(optarg, LOAD_BLOCK, UINT64_MAX / 2);
		break;
	case 'q':
		options->sequential = true;
		break;
	case 'H':
		options->header_digest = true;
		break;
	case 'D':
		options->data_digest = true;
		break;
	case 'P':
		add_pid(options, optarg);
		break;
	default:
		load_fail("unknown option, or one without its value");
	}
}

static void check_options(struct load_options *options)
{
	if (options->op == LOAD_REGISTER && options->depth > 1)
		load_fail("--op register: one at a time in each session");
	if (options->port == 0 || !options->target || options->op == LOAD_INVALID)
		load_fail("--port, --target and --op are needed");
	if (options->size % LOAD_BLOCK != 0 || options->span < options->size)
		load_fail("--size must be whole blocks, and not more than --span");
	if (!(options->seconds > 0.0) || !(options->warmup >= 0.0))
		load_fail("--seconds and --warmup must be positive");
	if (options->op == LOAD_REGISTER)
		options->size = LOAD_REGISTER_LEN;
}

/* ---- running --------------------------------------------------------------------------------- */

static struct load_session *sessions_open(const struct load_options *options)
{
	struct load_session *sessions = calloc(options->sessions, sizeof(*sessions));

	if (!sessions)
		load_fail("out of memory");
	for (uint32_t i = 0; i < options->sessions; i++) {
		struct load_session *session = &sessions[i];
		uint64_t places = options->span / options->size;
		session->options = options;
		session->number = i;
		session->random = 0x9e3779b97f4a7c15ull * (i + 1);
		session->next_lba =
			(uint32_t)(places * i / options->sessions) * (options->size / LOAD_BLOCK);
		load_login(session);
		load_session_settle(session);
		for (uint32_t slot = 0; slot < options->depth; slot++)
			session->idle[session->idle_count++] = slot;
	}
	return sessions;
}

static int watch(struct load_session *sessions, uint32_t count)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (uint32_t i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sessions[i]};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, sessions[i].fd, &event) < 0)
			load_fail("epoll: %s", strerror(errno));
	}
	return epoll;
}

/* Until `until_ns`, or until nothing is under way when no new commands are issued. */
static void run_until(struct load_session *sessions, struct load_shared *shared, int epoll,
		      uint64_t until_ns)
{
	const struct load_options *options = sessions[0].options;
	struct epoll_event events[EVENTS_MAX];

	while (load_now_ns() < until_ns) {
		if (options->sessions == 1) {
			load_session_receive(&sessions[0], shared, true);
			continue;
		}
		int count = epoll_wait(epoll, events, EVENTS_MAX, 100);
		for (int i = 0; i < count; i++)
			load_session_receive(events[i].data.ptr, shared, false);
	}
}

static void drain(struct load_session *sessions, struct load_shared *shared)
{
	shared->issuing = shared->measuring = false;
	for (uint32_t i = 0; i < sessions[0].options->sessions; i++)
		while (sessions[i].idle_count < sessions[0].options->depth)
			load_session_receive(&sessions[i], shared, true);
}

static int by_commands(const void *a, const void *b)
{
	const struct load_session *x = a, *y = b;

	return (x->commands > y->commands) - (x->commands < y->commands);
}

/* Slowest first; they are at an end. */
static void sort_by_commands(struct load_session *sessions, uint32_t count)
{
	qsort(sessions, count, sizeof(sessions[0]), by_commands);
}

/* The sessions are sorted. */
static void report(const struct load_options *options, const struct load_session *sessions,
		   const struct load_histogram *latency, const struct snapshot *begin,
		   const struct snapshot *end)
{
	double seconds = (double)(end->ns - begin->ns) / 1e9;
	double commands = (double)(end->commands - begin->commands);
	double per_command_us = commands > 0 ? 1e6 / commands : 0;

	printf("{\"commands\": %.0f, \"seconds\": %.4f, \"iops\": %.1f, \"mb_s\": %.2f, "
	       "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, "
	       "\"target_cpu_us\": %.4f, \"client_cpu_us\": %.4f, \"target_cpu_part\": %.4f, "
	       "\"slowest_session\": %llu, \"median_session\": %llu}\n",
	       commands, seconds, commands / seconds,
	       options->op == LOAD_TEST_UNIT_READY ? 0.0 : commands * options->size / seconds / 1e6,
	       load_histogram_percentile(latency, 0.5), load_histogram_percentile(latency, 0.99),
	       load_histogram_percentile(latency, 0.999),
	       (end->target_cpu_s - begin->target_cpu_s) * per_command_us,
	       (end->own_cpu_s - begin->own_cpu_s) * per_command_us,
	       (end->target_cpu_s - begin->target_cpu_s) / seconds,
	       (unsigned long long)sessions[0].commands,
	       (unsigned long long)sessions[options->sessions / 2].commands);
}

/* The sessions end with the process. */
static void idle(const struct load_options *options)
{
	puts("idle");
	fflush(stdout);
	usleep((useconds_t)(options->seconds * 1e6));
}

/* A session is a descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct load_shared shared;
	struct load_options options = {.address = "127.0.0.1",
				       .size = 4096,
				       .depth = 1,
				       .sessions = 1,
				       .seconds = 1.0,
				       .warmup = 0.2,
				       .span = 64u << 20};
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		set_option(&options, id);
	check_options(&options);
	raise_descriptor_limit();
	for (size_t i = 0; i < sizeof(shared.payload); i++)
		shared.payload[i] = (uint8_t)(i * 131 >> 3);

	struct load_session *sessions = sessions_open(&options);
	if (options.op == LOAD_IDLE) {
		idle(&options);
		return EXIT_SUCCESS;
	}
	int epoll = watch(sessions, options.sessions);
	shared.issuing = true;
	uint64_t start_ns = load_now_ns();
	for (uint32_t i = 0; i < options.sessions; i++)
		load_session_issue(&sessions[i], &shared, start_ns);
	run_until(sessions, &shared, epoll, start_ns + (uint64_t)(options.warmup * 1e9));
	shared.measuring = true;
	struct snapshot begin = take_snapshot(&options, sessions);
	run_until(sessions, &shared, epoll, begin.ns + (uint64_t)(options.seconds * 1e9));
	struct snapshot end = take_snapshot(&options, sessions);
	drain(sessions, &shared);
	sort_by_commands(sessions, options.sessions);
	report(&options, sessions, &shared.latency, &begin, &end);
	for (uint32_t i = 0; i < options.sessions; i++)
		close(sessions[i].fd);
	close(epoll);
	free(sessions);
	return EXIT_SUCCESS;
}
