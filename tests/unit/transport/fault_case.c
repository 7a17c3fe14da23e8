#include "tests/unit/transport/fault_case.h"

#include <string.h>

void fault_case_house(struct fault_case *c)
{
	wire_house_start(&c->house);
}

void fault_case_login(struct fault_case *c)
{
	wire_open(&c->house, &c->wire);
	wire_login(&c->wire, NULL);
	wire_clear_unit_attentions(&c->wire);
}

void fault_case_setup(struct fault_case *c)
{
	memset(c, 0, sizeof(*c));
	wire_house_init(&c->house);
}

void fault_case_teardown(struct fault_case *c)
{
	if (c->wire.conn)
		wire_close(&c->wire);
	wire_house_stop(&c->house);
}

void fault_case_rule(struct fault_case *c, const char *rule)
{
	char error[ISCSI_FAULT_ERROR_MAX] = "";

	ck_assert_msg(iscsi_node_fault_add(c->house.node, rule, config_consider, c->id, error) == 0,
		      "%s: %s", rule, error);
}

struct wanted {
	const char *id;
	struct iscsi_fault_info info;
	bool found;
};

static void note(void *context, const struct iscsi_fault_info *info)
{
	struct wanted *wanted = context;

	if (strcmp(info->id, wanted->id) != 0)
		return;
	wanted->found = true;
	wanted->info = *info;
}

static struct iscsi_fault_info info_of(struct fault_case *c, const char *id)
{
	struct wanted wanted = {.id = id};

	iscsi_node_each_fault(c->house.node, note, &wanted);
	ck_assert_msg(wanted.found, "there is no rule %s", id);
	return wanted.info;
}

uint64_t fault_case_firings(struct fault_case *c, const char *id)
{
	return info_of(c, id).firings;
}

uint64_t fault_case_held(struct fault_case *c, const char *id)
{
	return info_of(c, id).held;
}
