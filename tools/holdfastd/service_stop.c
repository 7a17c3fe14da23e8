/*
 * How the daemon ends: a first signal stops it in order, a second one and a deadline at once.
 */
#include <signal.h>
#include <sys/time.h>

#include "tools/holdfastd/control.h"
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/service_internal.h"

#define STOP_GRACE_MS	   4000
#define STOP_DEADLINE_MS   4800 /* then the process ends, whatever a disk is doing */
#define SIGNALS_TO_BE_GONE 2

static void leave_at_once(int signal)
{
	static const char text[] = "holdfastd: a disk did not let go in time: leaving without it\n";
	(void)signal;

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

/* A disk that hangs must not keep the process: the last word has a timer. */
static void arm_deadline(void)
{
	struct sigaction action = {.sa_handler = leave_at_once};
	struct itimerval timer = {
		.it_value = {STOP_DEADLINE_MS / 1000, STOP_DEADLINE_MS % 1000 * 1000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void service_stopped(void *context)
{
	struct service *service = context;
	ev_break(service->loop, EVBREAK_ALL);
}

void service_stop_targets(struct service *service)
{
	for (uint32_t i = 0; service->targets && i < service->config->target_count; i++)
		if (service->targets[i])
			scsi_target_stop(service->targets[i]);
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct service *service = watcher->data;
	(void)loop;
	(void)events;

	service->signals++;
	if (service->signals >= SIGNALS_TO_BE_GONE) {
		log_line(service->log, LOG_LEVEL_WARNING, "second signal: leaving at once");
		_exit(1);
	}
	log_line(service->log, LOG_LEVEL_INFO, "%s: stopping",
		 watcher->signum == SIGTERM ? "SIGTERM" : "SIGINT");
	/* Now, as the deadline cannot: whoever comes from here on finds no daemon. */
	control_unlink(service->control);
	arm_deadline();
	service_stop_targets(service);
	loops_stop(service, STOP_GRACE_MS, service_stopped, service);
}

void service_watch_signals(struct service *service)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
	       SIG_IGN); /* a file that may not grow is an error of its write, like ENOSPC */
	ev_signal_init(&service->terminate, on_signal, SIGTERM);
	ev_signal_init(&service->interrupt, on_signal, SIGINT);
	service->terminate.data = service;
	service->interrupt.data = service;
	ev_signal_start(service->loop, &service->terminate);
	ev_signal_start(service->loop, &service->interrupt);
}
