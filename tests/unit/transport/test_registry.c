/* What the nodes of one process have in common. */
#include <string.h>

#include "tests/support/suite.h"
#include "transport/registry.h"
#include "transport/route.h"

static struct iscsi_registry *registry;
static struct iscsi_limits limits;

static void setup(void)
{
	registry = iscsi_registry_create(65535);
	iscsi_limits_defaults(&limits);
	limits.sessions_max = 4;
	limits.sessions_per_initiator_max = 2;
}

static void teardown(void)
{
	iscsi_registry_free(&registry);
}

static struct iscsi_registry_session session_of(const char *initiator, const char *user)
{
	static const uint8_t isid[PR_ISID_LEN] = {0x80};

	return (struct iscsi_registry_session){.initiator = initiator, .user = user, .isid = isid};
}

static bool enter(struct iscsi_registry_session *session)
{
	return iscsi_registry_enter(registry, &limits, session, NULL);
}

START_TEST(sessions_get_different_tsihs_and_never_0)
{
	struct iscsi_registry_session one = session_of("a", ""), two = session_of("b", "");

	ck_assert(enter(&one) && enter(&two));
	ck_assert_uint_eq(one.tsih, 65535);
	ck_assert_uint_eq(two.tsih, 1);
}
END_TEST

START_TEST(all_sessions_count_and_those_of_a_name_and_user_apart)
{
	struct iscsi_registry_session s[6];

	s[0] = s[1] = s[2] = session_of("a", "");
	s[3] = session_of("a", "user");
	s[4] = s[5] = session_of("b", "");
	ck_assert(enter(&s[0]) && enter(&s[1]));
	ck_assert(!enter(&s[2]));
	ck_assert(enter(&s[3]));
	ck_assert(enter(&s[4]));
	ck_assert(!enter(&s[5]));
	iscsi_registry_leave(registry, &s[3]);
	ck_assert(enter(&s[5]));
}
END_TEST

START_TEST(whoever_is_replaced_does_not_count)
{
	struct iscsi_registry_session s[3];

	s[0] = s[1] = s[2] = session_of("a", "");
	ck_assert(enter(&s[0]) && enter(&s[1]));
	ck_assert(iscsi_registry_enter(registry, &limits, &s[2], &s[0]));
}
END_TEST

START_TEST(discovery_gets_half)
{
	struct iscsi_registry_session s[3] = {session_of("a", ""), session_of("b", ""),
					      session_of("c", "")};

	for (unsigned i = 0; i < 3; i++)
		s[i].discovery = true;
	ck_assert(enter(&s[0]) && enter(&s[1]));
	ck_assert(!enter(&s[2]));
}
END_TEST

START_TEST(an_initiator_port_is_in_one_place)
{
	static const uint8_t other[PR_ISID_LEN] = {0x81};
	const struct iscsi_node *elsewhere = (const struct iscsi_node *)&limits;
	struct iscsi_registry_session s[4];

	for (unsigned i = 0; i < 4; i++)
		s[i] = session_of("a", "");
	ck_assert(enter(&s[0]));
	s[1].node = elsewhere;
	ck_assert(!enter(&s[1]));
	s[1].discovery = true;
	ck_assert(enter(&s[1]));
	iscsi_registry_leave(registry, &s[1]);
	s[2].node = elsewhere;
	s[2].isid = other;
	ck_assert(enter(&s[2]));
	iscsi_registry_leave(registry, &s[0]);
	s[3].node = elsewhere;
	ck_assert(enter(&s[3]));
}
END_TEST

START_TEST(a_challenge_is_known_until_its_login_is_over)
{
	struct iscsi_registry_challenge one = {.is_in = false}, two = {.is_in = false};
	uint8_t first[ISCSI_CHAP_CHALLENGE_LEN] = {1}, second[ISCSI_CHAP_CHALLENGE_LEN] = {2};

	iscsi_registry_note_challenge(registry, &one, first);
	iscsi_registry_note_challenge(registry, &two, second);
	ck_assert(iscsi_registry_has_challenge(registry, first, sizeof(first)));
	ck_assert(!iscsi_registry_has_challenge(registry, first, sizeof(first) - 1));
	iscsi_registry_forget_challenge(registry, &one);
	iscsi_registry_forget_challenge(registry, &one);
	ck_assert(!iscsi_registry_has_challenge(registry, first, sizeof(first)));
	ck_assert(iscsi_registry_has_challenge(registry, second, sizeof(second)));
	iscsi_registry_forget_challenge(registry, &two);
}
END_TEST

START_TEST(a_place_is_taken_as_long_as_a_session_is_in_it)
{
	struct iscsi_registry_session a = session_of("a", ""), other = session_of("a", "user");
	struct iscsi_registry_session finds = session_of("b", "");
	unsigned place = (unsigned)(iscsi_route_port(a.isid, "a") % ISCSI_ROUTE_PLACES);

	finds.discovery = true;
	ck_assert(!iscsi_registry_is_taken(registry, place));
	ck_assert(enter(&a) && enter(&other) && enter(&finds));
	ck_assert(iscsi_registry_is_taken(registry, place));
	iscsi_registry_leave(registry, &a);
	ck_assert(iscsi_registry_is_taken(registry, place));
	iscsi_registry_leave(registry, &other);
	ck_assert(!iscsi_registry_is_taken(registry, place));
	place = (unsigned)(iscsi_route_port(finds.isid, "b") % ISCSI_ROUTE_PLACES);
	ck_assert(!iscsi_registry_is_taken(registry, place));
}
END_TEST

START_TEST(of_too_many_logins_the_oldest_must_go_and_its_loop_is_woken)
{
	struct iscsi_waker wakers[2] = {0};
	struct iscsi_registry_login logins[4] = {0};

	for (int i = 0; i < 3; i++)
		iscsi_registry_login_begin(registry, &logins[i], &wakers[i % 2], 3);
	ck_assert(!atomic_load(&wakers[0].due) && !atomic_load(&wakers[1].due));
	iscsi_registry_login_end(registry, &logins[0]);
	iscsi_registry_login_begin(registry, &logins[0], &wakers[0], 3);
	ck_assert(!atomic_load(&logins[1].must_go));
	iscsi_registry_login_begin(registry, &logins[3], &wakers[0], 3);
	ck_assert(atomic_load(&logins[1].must_go));
	ck_assert(iscsi_waker_take(&wakers[1]) && !iscsi_waker_take(&wakers[1]));
	ck_assert(!atomic_load(&logins[0].must_go) && !atomic_load(&logins[2].must_go));
	iscsi_registry_login_end(registry, &logins[1]); /* it has left already */
	iscsi_registry_login_end(registry, &logins[0]);
	iscsi_registry_login_begin(registry, &logins[1], &wakers[1], 3);
	ck_assert(!atomic_load(&logins[2].must_go));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sessions_get_different_tsihs_and_never_0);
	tcase_add_test(tcase, all_sessions_count_and_those_of_a_name_and_user_apart);
	tcase_add_test(tcase, whoever_is_replaced_does_not_count);
	tcase_add_test(tcase, discovery_gets_half);
	tcase_add_test(tcase, an_initiator_port_is_in_one_place);
	tcase_add_test(tcase, a_challenge_is_known_until_its_login_is_over);
	tcase_add_test(tcase, a_place_is_taken_as_long_as_a_session_is_in_it);
	tcase_add_test(tcase, of_too_many_logins_the_oldest_must_go_and_its_loop_is_woken);
}

int main(void)
{
	return suite_run("transport/registry", fill);
}
