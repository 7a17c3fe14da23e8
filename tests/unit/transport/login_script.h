/*
 * A scripted initiator for tests of the login: sends requests to an iscsi_login, keeps the last
 * response apart. It also plays the house around the login.
 */
#ifndef TESTS_UNIT_TRANSPORT_LOGIN_SCRIPT_H
#define TESTS_UNIT_TRANSPORT_LOGIN_SCRIPT_H

#include "transport/login.h"

struct login_script {
	/* To be set between login_script_init and login_script_begin. */
	struct iscsi_policy policy;
	struct iscsi_limits limits;
	uint16_t portal_group_tag;
	uint32_t stat_sn;

	/* The house. */
	uint16_t find_status, admit_status, admit_tsih;
	struct iscsi_sns admitted_sns;
	unsigned finds, admits;
	char found_name[224], found_initiator[224];
	struct iscsi_login_rules rules;
	struct iscsi_chap_account account; /* the one user there is; name NULL: none */
	uint8_t other_challenge[32];	   /* of a login elsewhere */
	size_t other_challenge_len;
	uint8_t random; /* the next "random" byte */

	/* The header of the next request; `transit`, `cont` and the stages are written by send. */
	struct iscsi_login_request request;

	struct iscsi_login login;

	/* The last response. */
	enum iscsi_login_result result;
	bool has_response;
	struct iscsi_login_response response;
	char text[8192];
	uint32_t text_len;
};

/* The names of a session, to put in front of further pairs, each of which begins with "\0". */
#define LOGIN_NAMES                                    \
	"InitiatorName=iqn.2001-04.com.example:host\0" \
	"TargetName=iqn.2001-04.com.example:disk"
#define DISCOVERY_NAMES "InitiatorName=iqn.2001-04.com.example:host\0SessionType=Discovery"

/* Byte 1 of a request. */
enum {
	LOGIN_T = 0x80,
	LOGIN_C = 0x40,
	SECURITY_TO_OPERATIONAL = 0x01,
	SECURITY_TO_FULL = 0x03,
	OPERATIONAL_TO_FULL = 0x07,
	OPERATIONAL = 0x04,
	SECURITY = 0x00,
};

void login_script_init(struct login_script *script);
void login_script_begin(struct login_script *script);
void login_script_end(struct login_script *script);

/* Sends `len` bytes of text under these flags. */
enum iscsi_login_result login_script_send(struct login_script *script, unsigned flags,
					  const void *text, size_t len);

/* A string literal: pairs are parted by NULs, its own end closes the last. */
#define LOGIN_SEND(script, flags, literal) \
	login_script_send((script), (flags), (literal), sizeof(literal))

/* The value that the last response gives a key, or NULL; and how many pairs it has. */
const char *login_script_answer(const struct login_script *script, const char *key);
unsigned login_script_answer_count(const struct login_script *script);

#endif
