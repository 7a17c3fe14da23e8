/*
 * Counters of a rule that several nodes have, each on its thread. Taken under a lock for each
 * moment that the rule may match; without rules nobody comes here.
 */
#include <pthread.h>
#include <stdlib.h>

#include "transport/fault_rule.h"

struct fault_tally {
	pthread_mutex_t lock;
	unsigned users;
	struct fault_count total;
	uint64_t first_ms;
	struct iscsi_fault_place first, last;
};

struct fault_tally *fault_tally_create(void)
{
	struct fault_tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	pthread_mutex_init(&tally->lock, NULL);
	tally->users = 1;
	return tally;
}

struct fault_tally *fault_tally_share(struct fault_tally *tally)
{
	pthread_mutex_lock(&tally->lock);
	tally->users++;
	pthread_mutex_unlock(&tally->lock);
	return tally;
}

void fault_tally_leave(struct fault_tally **tally)
{
	struct fault_tally *left = *tally;

	*tally = NULL;
	if (!left)
		return;
	pthread_mutex_lock(&left->lock);
	bool last = --left->users == 0;
	pthread_mutex_unlock(&left->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&left->lock);
	free(left);
}

void fault_tally_enter(struct fault_tally *tally, struct fault_rule *rule)
{
	rule->tally = tally;
	pthread_mutex_lock(&tally->lock);
	fault_tally_close(rule);
}

void fault_tally_open(struct fault_rule *rule)
{
	struct fault_tally *tally = rule->tally;

	if (!tally)
		return;
	pthread_mutex_lock(&tally->lock);
	rule->total = tally->total;
	rule->first_ms = tally->first_ms;
	rule->first = tally->first;
	rule->last = tally->last;
}

void fault_tally_close(const struct fault_rule *rule)
{
	struct fault_tally *tally = rule->tally;

	if (!tally)
		return;
	tally->total = rule->total;
	tally->first_ms = rule->first_ms;
	tally->first = rule->first;
	tally->last = rule->last;
	pthread_mutex_unlock(&tally->lock);
}

void fault_rule_refresh(struct fault_rule *rule)
{
	fault_tally_open(rule);
	fault_tally_close(rule);
}

/* Others may have fired since it did: the first place is that of the first who says so. */
void fault_rule_note(struct fault_rule *rule, const struct iscsi_fault_place *place)
{
	uint64_t firings = rule->total.firings;

	fault_tally_open(rule);
	if (firings == 1)
		rule->first = *place;
	rule->last = *place;
	fault_tally_close(rule);
	rule->total.firings = firings;
}
