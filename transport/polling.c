#include "transport/polling.h"

/* Each time that it did not pay the window becomes so many times shorter. */
#define SHRINK 2u
/* Shorter than this it is none: looking once takes about as long. */
#define WINDOW_MIN_NS 1000u

void iscsi_polling_init(struct iscsi_polling *polling, uint32_t max_us)
{
	*polling = (struct iscsi_polling){.max_ns = (uint64_t)max_us * 1000};
}

void iscsi_polling_worked(struct iscsi_polling *polling, uint64_t now_ns)
{
	uint64_t pause_ns = now_ns - polling->worked_ns;

	polling->worked_ns = now_ns;
	if (pause_ns <= polling->max_ns)
		polling->window_ns = polling->max_ns;
	else
		polling->window_ns /= SHRINK;
	if (polling->window_ns < WINDOW_MIN_NS)
		polling->window_ns = 0;
}

bool iscsi_polling_goes_on(const struct iscsi_polling *polling, uint64_t now_ns)
{
	return now_ns - polling->worked_ns < polling->window_ns;
}
