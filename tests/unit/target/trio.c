#include "tests/unit/target/trio.h"

struct fixture *f;
struct scsi_nexus *a, *b, *c;
struct pr_nexus_id id_a, id_b, id_c;

void trio_login(void)
{
	a = fixture_login(f, 'a');
	b = fixture_login(f, 'b');
	c = fixture_login(f, 'c');
}

void trio_start(const struct fixture_config *config)
{
	fixture_free(&f);
	f = fixture_create(config);
	trio_login();
}

void trio_setup(void)
{
	id_a = fixture_nexus_id('a', 1);
	id_b = fixture_nexus_id('b', 1);
	id_c = fixture_nexus_id('c', 1);
	f = fixture_create(NULL);
	trio_login();
}

void trio_teardown(void)
{
	fixture_check(f);
	fixture_free(&f);
}

struct fixture_task *start_register(struct scsi_nexus *nexus, uint64_t key)
{
	return fixture_start_pr_out(f, nexus, PR_OUT_REGISTER, 0, 0, key, TRIO_APTPL, false);
}

struct fixture_task *start_out(struct scsi_nexus *nexus, unsigned action, uint8_t type,
			       uint64_t reservation_key, uint64_t service_action_key)
{
	return fixture_start_pr_out(f, nexus, action, type, reservation_key, service_action_key,
				    TRIO_APTPL, false);
}

void register_all(uint8_t type)
{
	start_register(a, 0xa);
	start_register(b, 0xb);
	start_register(c, 0xc);
	fixture_settle(f);
	ck_assert_uint_eq(fixture_registrations(f), 3);
	if (type != 0)
		fixture_good(fixture_pr_out(f, a, PR_OUT_RESERVE, type, 0xa, 0, 0));
}
