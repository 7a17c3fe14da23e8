/*
 * Where in the record the stimulus is.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tools/check/judge.h"

static uint32_t connection_of(const struct check_record *record, uint16_t peer_port)
{
	for (uint32_t i = record->connection_count; peer_port > 0 && i > 0; i--)
		if (record->connections[i - 1].peer_port == peer_port)
			return i;
	return 0;
}

static bool is_its_pdu(const struct check_evidence *evidence, size_t index, bool from_target)
{
	const struct check_event *event = &evidence->record->events[index];

	return event->kind == CHECK_PDU && event->connection == evidence->connection &&
	       event->from_target == from_target;
}

/* The PDU of this number of that direction on the connection; SIZE_MAX: it never came. */
static size_t find_pdu(const struct check_evidence *evidence, bool from_target, uint64_t number)
{
	for (size_t i = 0; i < evidence->end; i++)
		if (is_its_pdu(evidence, i, from_target) &&
		    evidence->record->events[i].number == number)
			return i;
	return SIZE_MAX;
}

static bool has_tag(const struct check_evidence *evidence, size_t index, uint32_t itt)
{
	return is_its_pdu(evidence, index, false) &&
	       get_be32(evidence->record->events[index].bhs + 16) == itt;
}

/* The last request with this tag in front of `before`; SIZE_MAX: there is none. */
static size_t find_request(const struct check_evidence *evidence, uint32_t itt, size_t before)
{
	for (size_t i = before; i-- > 0;)
		if (has_tag(evidence, i, itt))
			return i;
	return SIZE_MAX;
}

/* The command that fired first: whatever is sent with its tag later is another one. */
static size_t find_first_request(const struct check_evidence *evidence, uint32_t itt)
{
	for (size_t i = 0; i < evidence->end; i++)
		if (has_tag(evidence, i, itt))
			return i;
	return SIZE_MAX;
}

/* What a rule keeps from the wire, in whole or in part, is not in the record. */
static bool keeps_back(const char *rule)
{
	static const char *const actions[] = {" do drop", " do truncate", " do hold"};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strstr(rule, actions[i]))
			return true;
	return false;
}

static void place_sent(struct check_evidence *evidence, const char *rule,
		       const struct check_firing *firing)
{
	size_t pdu = find_pdu(evidence, true, firing->pdu);

	if (pdu != SIZE_MAX && !keeps_back(rule)) {
		evidence->stimulus = pdu;
		evidence->mark = pdu + 1;
		return;
	}
	/* The place where it would have been: behind what it answers, and what came before it. */
	size_t before = firing->pdu > 1 ? find_pdu(evidence, true, firing->pdu - 1) : SIZE_MAX;
	size_t request = find_request(evidence, firing->itt, pdu != SIZE_MAX ? pdu : evidence->end);
	size_t at = before == SIZE_MAX			      ? request
		    : request == SIZE_MAX || request < before ? before
							      : request;
	evidence->mark = at == SIZE_MAX ? 0 : at + 1;
}

static void place(struct check_evidence *evidence, const char *rule,
		  const struct check_firing *firing)
{
	if (firing->is_pdu && firing->is_sent) {
		place_sent(evidence, rule, firing);
		return;
	}
	size_t pdu = firing->is_pdu ? find_pdu(evidence, false, firing->pdu)
				    : find_first_request(evidence, firing->itt);
	evidence->stimulus = pdu;
	evidence->mark = pdu == SIZE_MAX ? 0 : pdu + 1;
}

void check_evidence_locate(struct check_evidence *evidence, const char *rule,
			   const struct check_firing *firing)
{
	evidence->mark = 0;
	evidence->stimulus = SIZE_MAX;
	evidence->connection = connection_of(evidence->record, firing->peer_port);
	if (evidence->connection > 0)
		place(evidence, rule, firing);
	else if (evidence->record->connection_count > 0)
		evidence->connection = 1;
}
