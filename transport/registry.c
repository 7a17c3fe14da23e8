#include "transport/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "transport/route.h"

struct iscsi_registry {
	pthread_mutex_t lock;
	uint16_t tsih_hint;
	uint8_t tsih_used[65536 / 8];
	struct iscsi_registry_session *sessions;
	uint32_t placed[ISCSI_ROUTE_PLACES]; /* sessions but those of discovery */
	struct iscsi_registry_challenge *challenges;
	struct iscsi_registry_login *logins; /* oldest first */
	uint32_t login_count;
};

struct iscsi_registry *iscsi_registry_create(uint16_t first_tsih)
{
	struct iscsi_registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	pthread_mutex_init(&registry->lock, NULL);
	registry->tsih_hint = first_tsih;
	return registry;
}

void iscsi_registry_free(struct iscsi_registry **registry)
{
	if (!*registry)
		return;
	pthread_mutex_destroy(&(*registry)->lock);
	free(*registry);
	*registry = NULL;
}

/* --- TSIH ------------------------------------------------------------------------------------- */

static bool tsih_is_used(const struct iscsi_registry *registry, uint16_t tsih)
{
	return registry->tsih_used[tsih / 8] >> (tsih % 8) & 1;
}

static uint16_t take_tsih(struct iscsi_registry *registry)
{
	for (unsigned tries = 0; tries < 65536; tries++) {
		uint16_t tsih = registry->tsih_hint++;
		if (tsih == 0 || tsih_is_used(registry, tsih))
			continue; /* 0 asks for a new session (RFC 7143 11.12.6) */
		registry->tsih_used[tsih / 8] |= (uint8_t)(1u << (tsih % 8));
		return tsih;
	}
	return 0;
}

static void return_tsih(struct iscsi_registry *registry, uint16_t tsih)
{
	registry->tsih_used[tsih / 8] &= (uint8_t) ~(1u << (tsih % 8));
}

uint16_t iscsi_registry_take_tsih(struct iscsi_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	uint16_t tsih = take_tsih(registry);
	pthread_mutex_unlock(&registry->lock);
	return tsih;
}

void iscsi_registry_return_tsih(struct iscsi_registry *registry, uint16_t tsih)
{
	pthread_mutex_lock(&registry->lock);
	return_tsih(registry, tsih);
	pthread_mutex_unlock(&registry->lock);
}

/* --- sessions --------------------------------------------------------------------------------- */

/* Discovery may be open to everyone, so it gets half of the sessions at most. */
static bool discovery_has_room(const struct iscsi_limits *limits, uint32_t discovering)
{
	return discovering < limits->sessions_max - limits->sessions_max / 2;
}

/* Normal sessions of one initiator port, in different places. */
static bool is_elsewhere(const struct iscsi_registry_session *a,
			 const struct iscsi_registry_session *b)
{
	return a->node != b->node && !a->discovery && !b->discovery &&
	       memcmp(a->isid, b->isid, PR_ISID_LEN) == 0 &&
	       strcmp(a->initiator, b->initiator) == 0;
}

/* Sessions of a name count apart for each user that proved to have it. */
static bool has_room(const struct iscsi_registry *registry, const struct iscsi_limits *limits,
		     const struct iscsi_registry_session *session,
		     const struct iscsi_registry_session *replaced)
{
	uint32_t all = 0, own = 0, discovering = 0;

	for (const struct iscsi_registry_session *s = registry->sessions; s; s = s->next) {
		if (s == replaced)
			continue;
		if (is_elsewhere(s, session))
			return false;
		all++;
		own += strcmp(s->user, session->user) == 0 &&
		       strcmp(s->initiator, session->initiator) == 0;
		discovering += s->discovery;
	}
	return all < limits->sessions_max && own < limits->sessions_per_initiator_max &&
	       (!session->discovery || discovery_has_room(limits, discovering));
}

static unsigned place_of(const struct iscsi_registry_session *session)
{
	return (unsigned)(iscsi_route_port(session->isid, session->initiator) % ISCSI_ROUTE_PLACES);
}

bool iscsi_registry_enter(struct iscsi_registry *registry, const struct iscsi_limits *limits,
			  struct iscsi_registry_session *session,
			  const struct iscsi_registry_session *replaced)
{
	pthread_mutex_lock(&registry->lock);
	session->tsih = has_room(registry, limits, session, replaced) ? take_tsih(registry) : 0;
	if (session->tsih != 0) {
		DL_APPEND(registry->sessions, session);
		session->place = place_of(session);
		registry->placed[session->place] += !session->discovery;
	}
	pthread_mutex_unlock(&registry->lock);
	return session->tsih != 0;
}

void iscsi_registry_leave(struct iscsi_registry *registry, struct iscsi_registry_session *session)
{
	pthread_mutex_lock(&registry->lock);
	DL_DELETE(registry->sessions, session);
	registry->placed[session->place] -= !session->discovery;
	return_tsih(registry, session->tsih);
	pthread_mutex_unlock(&registry->lock);
}

bool iscsi_registry_is_taken(struct iscsi_registry *registry, unsigned place)
{
	pthread_mutex_lock(&registry->lock);
	bool is_taken = registry->placed[place] > 0;
	pthread_mutex_unlock(&registry->lock);
	return is_taken;
}

/* --- logins ----------------------------------------------------------------------------------- */

static void login_leave(struct iscsi_registry *registry, struct iscsi_registry_login *login)
{
	login->is_in = false;
	DL_DELETE(registry->logins, login);
	registry->login_count--;
}

void iscsi_registry_login_begin(struct iscsi_registry *registry, struct iscsi_registry_login *login,
				struct iscsi_waker *waker, uint32_t max)
{
	login->waker = waker;
	pthread_mutex_lock(&registry->lock);
	login->is_in = true;
	DL_APPEND(registry->logins, login);
	registry->login_count++;
	while (registry->logins && registry->login_count > max) {
		struct iscsi_registry_login *oldest = registry->logins;
		login_leave(registry, oldest);
		atomic_store(&oldest->must_go, true);
		iscsi_waker_wake(oldest->waker);
	}
	pthread_mutex_unlock(&registry->lock);
}

void iscsi_registry_login_end(struct iscsi_registry *registry, struct iscsi_registry_login *login)
{
	pthread_mutex_lock(&registry->lock);
	if (login->is_in)
		login_leave(registry, login);
	pthread_mutex_unlock(&registry->lock);
}

/* --- challenges ------------------------------------------------------------------------------- */

void iscsi_registry_note_challenge(struct iscsi_registry *registry,
				   struct iscsi_registry_challenge *challenge,
				   const uint8_t bytes[ISCSI_CHAP_CHALLENGE_LEN])
{
	pthread_mutex_lock(&registry->lock);
	memcpy(challenge->bytes, bytes, sizeof(challenge->bytes));
	if (!challenge->is_in)
		DL_APPEND(registry->challenges, challenge);
	challenge->is_in = true;
	pthread_mutex_unlock(&registry->lock);
}

void iscsi_registry_forget_challenge(struct iscsi_registry *registry,
				     struct iscsi_registry_challenge *challenge)
{
	pthread_mutex_lock(&registry->lock);
	if (challenge->is_in)
		DL_DELETE(registry->challenges, challenge);
	challenge->is_in = false;
	pthread_mutex_unlock(&registry->lock);
}

bool iscsi_registry_has_challenge(struct iscsi_registry *registry, const uint8_t *bytes, size_t len)
{
	const struct iscsi_registry_challenge *challenge;

	if (len != sizeof(challenge->bytes))
		return false;
	pthread_mutex_lock(&registry->lock);
	DL_FOREACH(registry->challenges, challenge)
	if (memcmp(challenge->bytes, bytes, len) == 0)
		break;
	bool found = challenge != NULL;
	pthread_mutex_unlock(&registry->lock);
	return found;
}
