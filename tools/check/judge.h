/*
 * Judgements: what must hold of a run, as words of a small vocabulary.
 *
 * A requirement is one or more clauses with " | " between them; one of them must hold. "no " in
 * front of a clause turns it round. "After" means behind the stimulus, "its connection" is the one
 * that the stimulus came on.
 *
 * - closed: the initiator closes its connection, having sent nothing more but a Logout
 * - recovers: it closes its connection, and logs in anew or its command fails
 * - relogin: it logs in on another connection after, with TSIH 0
 * - reinstates: and with the same ISID, so that it is the same nexus
 * - relogin-after MS: it logs in anew, and no sooner than that
 * - logout: it sends a Logout Request after, on its connection
 * - logout-within MS: and no later than that
 * - full-feature: it sends anything but a Login Request after, on its connection
 * - sent PDU FIELD=V...: it sends such a PDU after, on its connection. V is a number, `none`,
 *   `stimulus` (the same field of the stimulus) or `stimulus.FIELD`; FIELD<V and FIELD>V as well
 * - anywhere PDU FIELD=V...: such a PDU comes after, on any connection
 * - first PDU FIELD=V...: of all PDUs of this kind after, on its connection, the first is such
 * - most N PDU FIELD=V..., least N PDU FIELD=V...: how many there are in the whole run
 * - said KEY[=VALUE]: a login or text request after, on any connection, has this key
 * - offered KEY[=VALUE]: the same in the whole run
 * - distinct KEY: whenever it says the key, the value is another one
 * - proves: its CHAP_R after is right for the challenge of the stimulus
 * - prints WORD: its command says the word, in whatever case
 * - again: the command of the stimulus is sent again, on any connection
 * - again-most N: at most N times
 * - in-turn: the R2Ts of its task are answered in the order in which they came
 * - quiet MS: for so long it sends no request that takes a CmdSN, on its connection
 * - quiet-until PDU FIELD=V...: it sends none before the target sends such a PDU
 * - paced N: it opens at most N connections within any second
 * - ok, failed, ended: its command ended with status 0; another one; by itself, whatever the status
 * - notices: its command failed, or says that its data is wrong
 * - clean ID: the passive check ID found nothing
 */
#ifndef TOOLS_CHECK_JUDGE_H
#define TOOLS_CHECK_JUDGE_H

#include "tools/check/record.h"
#include "transport/checks.h"
#include "transport/observer.h"

enum check_ended {
	CHECK_ENDED_NOT = 0, /* the time limit ended it */
	CHECK_ENDED_OK,
	CHECK_ENDED_FAILED,
	CHECK_ENDED_WRONG_DATA, /* with the status that says so */
	CHECK_ENDED_CRASHED,	/* by a signal that was not ours */
};

struct check_evidence {
	const struct check_record *record;
	size_t end;	 /* events from here on do not count: the command was stopped, or is over */
	bool fired;	 /* the stimulus came */
	size_t mark;	 /* the first event behind the stimulus */
	size_t stimulus; /* the PDU itself; SIZE_MAX: none */
	uint32_t connection;
	enum check_ended ended;
	const char *secret; /* that the initiator was given for CHAP; NULL: none */
	const char *output; /* what the command said last; NULL: nothing */
	enum iscsi_verdict passive[ISCSI_CHECK_COUNT];
};

/* Is it well formed? `ret_why` says what is not. */
bool check_requirement_parses(const char *requirement, char *ret_why, size_t len);

/* It must be well formed. */
bool check_requirement_holds(const char *requirement, const struct check_evidence *evidence);

/* What the target says of the first firing of a rule. */
struct check_firing {
	uint16_t peer_port; /* of its connection, at the other end; 0: it has not fired */
	bool is_pdu, is_sent;
	uint64_t pdu; /* among those of its direction on the connection, from 1 */
	uint32_t itt;
};

/* Finds the stimulus in the record: what `rule` did when it fired first. */
void check_evidence_locate(struct check_evidence *evidence, const char *rule,
			   const struct check_firing *firing);

#endif
