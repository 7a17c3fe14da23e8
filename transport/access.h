/*
 * Who may log in to what, as whom, and what it sees there: plain data that the owner of the node
 * hands in, and the answers that follow from it.
 *
 * An initiator's name is a claim. What proves it is the CHAP user that is bound to it, so a target
 * that names initiators without users is kept from mistakes, not from attackers.
 */
#ifndef TRANSPORT_ACCESS_H
#define TRANSPORT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/target.h"

#define ISCSI_CHAP_NAME_MAX   255  /* bytes (RFC 7143 12.1.4) */
#define ISCSI_CHAP_SECRET_MAX 1024 /* bytes */

/* A CHAP name and its secret. Everything in these structs is borrowed. */
struct iscsi_chap_account {
	const char *name;
	const uint8_t *secret;
	size_t secret_len; /* bytes */
};

/* One initiator of a target's list. */
struct iscsi_access_initiator {
	const char *name; /* canonical */
	const char *user; /* the CHAP user that it must be; NULL: the target's */
	bool masked;	  /* it sees the LUNs of `visible` alone */
	struct scsi_lun_mask visible;
};

struct iscsi_access_target {
	const struct iscsi_access_initiator *initiators;
	size_t initiator_count; /* 0: any initiator may come */
	const char *user;	/* the CHAP user of whoever has none of its own; NULL: no proof */
	const char *mutual;	/* whose secret proves the target to initiators; NULL: none */
	const char *moved_to;	/* "192.0.2.1:3260": logins are sent there; NULL: they are not */
	bool moved_for_good;
};

/* Of the whole node. */
struct iscsi_access {
	const struct iscsi_chap_account *accounts;
	size_t account_count;
	/* Discovery needs a proof once this is there; then the users that the initiator has with
	 * targets will do as well. NULL: discovery is open. */
	const char *discovery_user;
	const char *discovery_mutual;
};

/* `access` may be NULL in all of these: then everyone may do everything. */

/* NULL: there is none of that name. */
const struct iscsi_chap_account *iscsi_access_account(const struct iscsi_access *access,
						      const char *name);
bool iscsi_access_admits(const struct iscsi_access_target *access, const char *initiator);
/* The CHAP user that the initiator must be; NULL: nobody in particular. */
const char *iscsi_access_user(const struct iscsi_access_target *access, const char *initiator);
/* NULL: all LUNs. */
const struct scsi_lun_mask *iscsi_access_visible(const struct iscsi_access_target *access,
						 const char *initiator);

#endif
