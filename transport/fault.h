/*
 * Fault injection: rules that make the target misbehave on purpose, at two points: where a SCSI
 * command begins and ends, and where a PDU comes or goes. docs/man/holdfast-faults.7.scd has the
 * grammar.
 *
 * A fault changes what is on the wire, and what becomes of commands; never what the target has
 * promised. A dropped answer is an answer that got lost: the command has taken effect.
 *
 * Rules belong to a node, and so do their counters; there are no globals. Nodes of several event
 * loops can have the same rules, and then count together. Without a rule no connection has any
 * state of this, and a PDU passes one branch, which the observer and the trace share (attend.c).
 */
#ifndef TRANSPORT_FAULT_H
#define TRANSPORT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISCSI_FAULT_RULES_MAX 512  /* limit: rules of a node */
#define ISCSI_FAULT_TEXT_MAX  4096 /* limit: bytes of a rule */
#define ISCSI_FAULT_ID_MAX    32   /* with its NUL */
#define ISCSI_FAULT_ERROR_MAX 320
#define ISCSI_FAULT_PEER_MAX  80

struct iscsi_node;

/*
 * Which known word did somebody mean? Keeps the better of two proposals in *best (NULL to begin
 * with). NULL instead of a function: nothing is suggested.
 */
typedef void (*iscsi_fault_consider)(const char *word, const char *candidate, const char **best,
				     size_t *best_cost);

/* Is it a rule? Then with its id, "" if it gives itself none; if not, the error names the culprit.
 */
bool iscsi_fault_check(const char *text, iscsi_fault_consider consider,
		       char ret_id[ISCSI_FAULT_ID_MAX], char ret_error[ISCSI_FAULT_ERROR_MAX]);

/*
 * Adds a rule behind the others; it holds for connections that are there already as well. 0 with
 * its id; or with an error in words: -EINVAL, -EEXIST: there is a rule with this id, -ENOSPC:
 * ISCSI_FAULT_RULES_MAX, -ENOMEM.
 */
int iscsi_node_fault_add(struct iscsi_node *node, const char *text, iscsi_fault_consider consider,
			 char ret_id[ISCSI_FAULT_ID_MAX], char ret_error[ISCSI_FAULT_ERROR_MAX]);
/*
 * The node gets the rules of the other one that it does not have; what comes to any of them counts
 * as if it had come to one. On the thread of `node`, while that of `other` stands still. 0 or
 * -ENOMEM.
 */
int iscsi_node_fault_share(struct iscsi_node *node, const struct iscsi_node *other);
/* Takes the rule away (NULL: all of them), and lets go on what it held. How many there were. */
unsigned iscsi_node_fault_clear(struct iscsi_node *node, const char *id);
/* Lets go on what the rule (NULL: any of them) holds or delays; the rule stays. How many. */
unsigned iscsi_node_fault_release(struct iscsi_node *node, const char *id);

/* Where in a connection's stream a rule has fired: so many PDUs were on the wire before, without
 * the one at hand, with those that rules put there and without those they took away. */
struct iscsi_fault_place {
	char peer[ISCSI_FAULT_PEER_MAX];
	bool is_pdu, is_sent;
	uint64_t pdu; /* as in iscsi_fault_event */
	uint32_t itt;
	uint64_t sent, received;
};

struct iscsi_fault_info {
	const char *id, *text;
	uint64_t seed;
	uint64_t matches, firings;
	const struct iscsi_fault_place *first, *last; /* NULL: it has never fired */
	uint64_t held;				      /* commands and PDUs, just now */
};
void iscsi_node_each_fault(const struct iscsi_node *node,
			   void (*each)(void *context, const struct iscsi_fault_info *info),
			   void *context);

/* A rule has fired. Texts are borrowed for the call. */
struct iscsi_fault_event {
	const char *rule;      /* its id */
	const char *what;      /* the actions, as the rule has them */
	const char *moment;    /* "command", "accept", "nop-in", ... */
	const char *initiator; /* "" before it has a name */
	const char *peer;      /* address, or "" */
	uint16_t tsih, cid;
	bool is_pdu, is_sent;
	uint64_t pdu; /* the n-th in its direction on its connection, from 1, since there are rules
			 in the node */
	uint32_t itt; /* of PDUs and commands */
};
/* May be NULL: nobody is told. */
void iscsi_node_on_fault(struct iscsi_node *node,
			 void (*fired)(void *context, const struct iscsi_fault_event *event),
			 void *context);

#endif
