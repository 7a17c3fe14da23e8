/*
 * A TARGET COLD RESET closes the connections of all loops: who has it tells the home, and the home
 * the others.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/holdfastd/loops_internal.h"

struct cold_reset {
	struct scsi_letter letter;
	struct service *service; /* at home; NULL: on a loop */
	struct service_loop *loop;
	char target_name[PR_INITIATOR_NAME_MAX + 1];
};

static void cold_reset_deliver(struct scsi_letter *letter);

static struct cold_reset *cold_reset_new(struct service *service, struct service_loop *loop,
					 const char *target_name)
{
	struct cold_reset *reset = calloc(1, sizeof(*reset));

	if (!reset)
		return NULL;
	reset->letter.deliver = cold_reset_deliver;
	reset->service = service;
	reset->loop = loop;
	memcpy(reset->target_name, target_name, strlen(target_name) + 1);
	return reset;
}

static void cold_reset_spread(struct service *service, const struct service_loop *but,
			      const char *target_name)
{
	struct service_loops *loops = service->loops;

	for (unsigned i = 0; loops && i < loops->count; i++) {
		struct service_loop *loop = &loops->loops[i];
		struct cold_reset *reset =
			loop != but ? cold_reset_new(NULL, loop, target_name) : NULL;

		if (reset)
			scsi_line_post(&loop->link.down, &reset->letter);
	}
}

static void cold_reset_deliver(struct scsi_letter *letter)
{
	struct cold_reset *reset = member_of(letter, struct cold_reset, letter);

	if (reset->service) {
		iscsi_node_close_target(reset->service->node, reset->target_name);
		cold_reset_spread(reset->service, reset->loop, reset->target_name);
	} else {
		iscsi_node_close_target(reset->loop->part.node, reset->target_name);
	}
	free(reset);
}

void loops_cold_reset(void *context, const char *target_name)
{
	cold_reset_spread(context, NULL, target_name);
}

void loops_relay_cold_reset(void *context, const char *target_name)
{
	struct service_loop *loop = context;
	struct cold_reset *reset = cold_reset_new(loop->service, loop, target_name);

	if (reset)
		scsi_line_post(&loop->link.up, &reset->letter);
}
