#include "target/guarded.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <ucontext.h>

struct guard {
	const struct guarded_work *work;
	sigset_t mask; /* of the thread, when it failed */
	sigjmp_buf failed;
};

/* What this thread is at: SIGBUS comes to the thread that has caused it. */
static _Thread_local struct guard *volatile at_work;

static bool is_named(const struct guarded_work *work, uintptr_t address)
{
	for (size_t i = 0; i < GUARDED_RANGES; i++)
		if (address - (uintptr_t)work->ranges[i].start < work->ranges[i].len)
			return true;
	return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	struct guard *guard = at_work;

	if (guard && is_named(guard->work, (uintptr_t)info->si_addr)) {
		guard->mask = ((const ucontext_t *)context)->uc_sigmask;
		siglongjmp(guard->failed, 1);
	}
	/* The same instruction comes again, and ends the process. */
	signal(number, SIG_DFL);
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

void guarded_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install);
}

bool guarded_run(const struct guarded_work *work)
{
	struct guard guard = {.work = work};

	/* Saving the mask would be a system call each time: it is put back where it must be. */
	if (sigsetjmp(guard.failed, 0) != 0) {
		at_work = NULL;
		pthread_sigmask(SIG_SETMASK, &guard.mask, NULL);
		return false;
	}
	at_work = &guard;
	atomic_signal_fence(memory_order_seq_cst);
	work->run(work->context);
	atomic_signal_fence(memory_order_seq_cst);
	at_work = NULL;
	return true;
}
