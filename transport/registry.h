/*
 * What the nodes of one process have in common (docs/threads.md): TSIHs, how many sessions there
 * are and whose, and the challenges that wait for an answer. Asked at logins and logouts, under a
 * lock; never while commands run.
 */
#ifndef TRANSPORT_REGISTRY_H
#define TRANSPORT_REGISTRY_H

#include "transport/login_internal.h"
#include "transport/node.h"
#include "transport/waker.h"

/* A session's entry, and a login's challenge: members of what they are about. */
struct iscsi_registry_session {
	const char *initiator, *user; /* live as long as the entry is in */
	const uint8_t *isid;
	const struct iscsi_node *node;
	bool discovery;
	uint16_t tsih;	/* 0: it is not in */
	unsigned place; /* route.h */
	struct iscsi_registry_session *prev, *next;
};

struct iscsi_registry_challenge {
	uint8_t bytes[ISCSI_CHAP_CHALLENGE_LEN];
	bool is_in;
	struct iscsi_registry_challenge *prev, *next;
};

/* A connection that has not finished login. */
struct iscsi_registry_login {
	struct iscsi_waker *waker; /* of who has to drop it */
	atomic_bool must_go;
	bool is_in;
	struct iscsi_registry_login *prev, *next;
};

/* A TSIH that no session has; 0: none is left. */
uint16_t iscsi_registry_take_tsih(struct iscsi_registry *registry);
void iscsi_registry_return_tsih(struct iscsi_registry *registry, uint16_t tsih);

/*
 * Lets a session in, with a TSIH, if the limits are kept when `replaced` (may be NULL) goes, and no
 * other node has a session of its initiator port: whom nobody could tell apart in time (route.h)
 * must not be in two places.
 */
bool iscsi_registry_enter(struct iscsi_registry *registry, const struct iscsi_limits *limits,
			  struct iscsi_registry_session *session,
			  const struct iscsi_registry_session *replaced);
void iscsi_registry_leave(struct iscsi_registry *registry, struct iscsi_registry_session *session);

/* Is there a normal session of a port that falls into that place (route.h)? */
bool iscsi_registry_is_taken(struct iscsi_registry *registry, unsigned place);

/*
 * Logins under way; when they are more than `max`, the oldest must go, on whichever loop they are.
 * Those of one loop in the order in which they have begun.
 */
void iscsi_registry_login_begin(struct iscsi_registry *registry, struct iscsi_registry_login *login,
				struct iscsi_waker *waker, uint32_t max);
void iscsi_registry_login_end(struct iscsi_registry *registry, struct iscsi_registry_login *login);

/* The latest challenge of a login. */
void iscsi_registry_note_challenge(struct iscsi_registry *registry,
				   struct iscsi_registry_challenge *challenge,
				   const uint8_t bytes[ISCSI_CHAP_CHALLENGE_LEN]);
void iscsi_registry_forget_challenge(struct iscsi_registry *registry,
				     struct iscsi_registry_challenge *challenge);
bool iscsi_registry_has_challenge(struct iscsi_registry *registry, const uint8_t *bytes,
				  size_t len);

#endif
