#include "transport/budget.h"

#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

/* A node may keep this part of its even share unused: together they never keep much from others. */
#define SPARE_PARTS 16

struct iscsi_budget {
	pthread_mutex_t lock;
	unsigned nodes;
	uint64_t total, left, early_total, early_left;
	struct iscsi_purse *purses;
	struct iscsi_purse *line; /* those that lack, first come first served */
};

struct iscsi_budget *iscsi_budget_create(uint64_t data_max, unsigned nodes)
{
	struct iscsi_budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	pthread_mutex_init(&budget->lock, NULL);
	budget->nodes = nodes;
	budget->total = budget->left = data_max;
	budget->early_total = budget->early_left = data_max / 2;
	return budget;
}

void iscsi_budget_free(struct iscsi_budget **budget)
{
	if (!*budget)
		return;
	pthread_mutex_destroy(&(*budget)->lock);
	free(*budget);
	*budget = NULL;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What may be kept unused; a node alone has everything, and never gives back. */
static uint64_t spare_of(const struct iscsi_budget *budget, uint64_t total)
{
	return budget->nodes > 1 ? total / budget->nodes / SPARE_PARTS : total;
}

void iscsi_purse_join(struct iscsi_purse *purse, struct iscsi_budget *budget,
		      struct iscsi_waker *waker)
{
	pthread_mutex_lock(&budget->lock);
	purse->budget = budget;
	purse->waker = waker;
	purse->spare_max = spare_of(budget, budget->total);
	purse->early_spare_max = spare_of(budget, budget->early_total);
	DL_APPEND(budget->purses, purse);
	pthread_mutex_unlock(&budget->lock);
}

/* ---- under the lock -------------------------------------------------------------------------- */

/* What was granted beyond `used` goes back. */
static void give_back(uint64_t *granted, uint64_t *left, uint64_t used)
{
	if (*granted <= used)
		return;
	*left += *granted - used;
	*granted = used;
}

/* `need` does not exceed what is left; some more comes with it. */
static void grant(uint64_t *granted, uint64_t *left, uint64_t need, uint64_t more)
{
	uint64_t wanted = need > *granted ? need - *granted : 0;
	uint64_t taken = smaller(wanted + more, *left);

	*granted += taken;
	*left -= taken;
}

static void wake_others(const struct iscsi_budget *budget, const struct iscsi_purse *purse)
{
	const struct iscsi_purse *other;

	DL_FOREACH(budget->purses, other)
	if (other != purse)
		iscsi_waker_wake(other->waker);
}

static void ask_all(struct iscsi_budget *budget, bool asked)
{
	struct iscsi_purse *purse;

	DL_FOREACH(budget->purses, purse)
	atomic_store_explicit(&purse->asked, asked, memory_order_relaxed);
}

static void wake_first(const struct iscsi_budget *budget)
{
	if (budget->line && budget->line->lacks <= budget->left)
		iscsi_waker_wake(budget->line->waker);
}

static void stand_in_line(struct iscsi_purse *purse, uint64_t used, uint64_t need)
{
	struct iscsi_budget *budget = purse->budget;
	uint64_t wanted = smaller(need, budget->total);

	give_back(&purse->granted, &budget->left, used);
	purse->lacks = wanted > purse->granted ? wanted - purse->granted : 0;
	if (!purse->waits) {
		bool is_first = !budget->line;
		purse->waits = true;
		DL_APPEND2(budget->line, purse, line_prev, line_next);
		if (is_first) {
			ask_all(budget, true);
			wake_others(budget, purse);
		}
	}
	if (budget->line != purse)
		wake_first(budget);
}

static void leave_line(struct iscsi_purse *purse)
{
	struct iscsi_budget *budget = purse->budget;

	if (!purse->waits)
		return;
	purse->waits = false;
	DL_DELETE2(budget->line, purse, line_prev, line_next);
	if (!budget->line)
		ask_all(budget, false);
	wake_first(budget);
}

/* ---- from outside ---------------------------------------------------------------------------- */

void iscsi_purse_leave(struct iscsi_purse *purse)
{
	struct iscsi_budget *budget = purse->budget;

	if (!budget)
		return;
	pthread_mutex_lock(&budget->lock);
	give_back(&purse->granted, &budget->left, 0);
	give_back(&purse->early_granted, &budget->early_left, 0);
	leave_line(purse);
	DL_DELETE(budget->purses, purse);
	purse->budget = NULL;
	pthread_mutex_unlock(&budget->lock);
}

bool iscsi_purse_reserve(struct iscsi_purse *purse, uint64_t used, uint64_t need, bool alone)
{
	struct iscsi_budget *budget = purse->budget;

	pthread_mutex_lock(&budget->lock);
	uint64_t most = purse->granted + budget->left;
	bool is_its_turn = !budget->line || budget->line == purse;
	bool fits = is_its_turn && (need <= most || (alone && most == budget->total));
	if (fits) {
		grant(&purse->granted, &budget->left, need, purse->spare_max / 2);
		leave_line(purse);
	} else {
		stand_in_line(purse, used, need);
	}
	pthread_mutex_unlock(&budget->lock);
	return fits;
}

void iscsi_purse_leave_line(struct iscsi_purse *purse)
{
	pthread_mutex_lock(&purse->budget->lock);
	leave_line(purse);
	pthread_mutex_unlock(&purse->budget->lock);
}

bool iscsi_purse_reserve_early(struct iscsi_purse *purse, uint64_t used, uint64_t need)
{
	struct iscsi_budget *budget = purse->budget;

	pthread_mutex_lock(&budget->lock);
	uint64_t most = purse->early_granted + budget->early_left;
	bool fits = need <= most || (used == 0 && most == budget->early_total);
	if (fits)
		grant(&purse->early_granted, &budget->early_left, need, purse->early_spare_max / 2);
	else
		wake_others(budget, purse);
	pthread_mutex_unlock(&budget->lock);
	return fits;
}

void iscsi_purse_trim(struct iscsi_purse *purse, uint64_t used, uint64_t early_used)
{
	struct iscsi_budget *budget = purse->budget;

	pthread_mutex_lock(&budget->lock);
	give_back(&purse->granted, &budget->left, used);
	give_back(&purse->early_granted, &budget->early_left, early_used);
	wake_first(budget);
	pthread_mutex_unlock(&budget->lock);
}

bool iscsi_purse_is_short(struct iscsi_purse *purse, uint64_t used)
{
	struct iscsi_budget *budget = purse->budget;

	pthread_mutex_lock(&budget->lock);
	bool is_short = budget->line || purse->granted + budget->left <= used;
	if (is_short && !budget->line)
		wake_others(budget, purse);
	pthread_mutex_unlock(&budget->lock);
	return is_short;
}
