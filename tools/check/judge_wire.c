/*
 * What each word of the vocabulary means.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tools/check/judge_internal.h"
#include "transport/text.h"

#define SECOND_MS   1000
#define PRINTED_MAX 256

static unsigned opcode_of(const struct check_event *event)
{
	return event->bhs[0] & 0x3f;
}

static bool is_request(const struct check_event *event)
{
	return event->kind == CHECK_PDU && !event->from_target;
}

/* ---- PDUs ------------------------------------------------------------------------------------ */

static bool field_fits(const struct field_test *test, const struct check_event *event,
		       const struct check_evidence *evidence)
{
	uint64_t value, wanted = test->number;

	if (!check_field(event->bhs, test->name.text, test->name.len, &value))
		return false;
	if (test->of_stimulus.len > 0 &&
	    (evidence->stimulus == SIZE_MAX ||
	     !check_field(evidence->record->events[evidence->stimulus].bhs, test->of_stimulus.text,
			  test->of_stimulus.len, &wanted)))
		return false;
	if (test->relation == '=')
		return value == wanted;
	return test->relation == '<' ? value < wanted : value > wanted;
}

static bool pdu_fits(const struct clause *clause, const struct check_event *event,
		     const struct check_evidence *evidence)
{
	if (event->kind != CHECK_PDU || (int)opcode_of(event) != clause->opcode)
		return false;
	for (unsigned i = 0; i < clause->test_count; i++)
		if (!field_fits(&clause->tests[i], event, evidence))
			return false;
	return true;
}

static uint64_t count_pdus(const struct clause *clause, const struct check_evidence *evidence,
			   size_t from, uint32_t connection)
{
	uint64_t count = 0;

	for (size_t i = from; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (connection == 0 || event->connection == connection)
			count += pdu_fits(clause, event, evidence);
	}
	return count;
}

static bool sent(const struct clause *clause, const struct check_evidence *evidence)
{
	return count_pdus(clause, evidence, evidence->mark, evidence->connection) > 0;
}

static bool anywhere(const struct clause *clause, const struct check_evidence *evidence)
{
	return count_pdus(clause, evidence, evidence->mark, 0) > 0;
}

/* The first of that kind. */
static bool first(const struct clause *clause, const struct check_evidence *evidence)
{
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (event->kind == CHECK_PDU && event->connection == evidence->connection &&
		    (int)opcode_of(event) == clause->opcode)
			return pdu_fits(clause, event, evidence);
	}
	return false;
}

static bool most(const struct clause *clause, const struct check_evidence *evidence)
{
	return count_pdus(clause, evidence, 0, 0) <= clause->number;
}

static bool least(const struct clause *clause, const struct check_evidence *evidence)
{
	return count_pdus(clause, evidence, 0, 0) >= clause->number;
}

/* ---- connections ----------------------------------------------------------------------------- */

/* The initiator was the first to close the stimulus' connection. *ret_at: when. */
static bool left(const struct check_evidence *evidence, size_t *ret_at)
{
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (event->connection != evidence->connection || event->kind != CHECK_CLOSED)
			continue;
		*ret_at = i;
		return !event->from_target;
	}
	return false;
}

static bool closed(const struct clause *clause, const struct check_evidence *evidence)
{
	size_t at;
	(void)clause;

	if (!left(evidence, &at))
		return false;
	for (size_t i = evidence->mark; i < at; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (event->connection == evidence->connection && is_request(event) &&
		    opcode_of(event) != ISCSI_LOGOUT_REQUEST)
			return false;
	}
	return true;
}

/* The ISID that the stimulus' connection logged in with; NULL: it did not. */
static const uint8_t *isid_of(const struct check_evidence *evidence)
{
	for (size_t i = 0; i < evidence->record->count; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (is_request(event) && event->connection == evidence->connection &&
		    opcode_of(event) == ISCSI_LOGIN_REQUEST)
			return event->bhs + 8;
	}
	return NULL;
}

/* The first Login Request of a new session behind the stimulus, with this ISID (NULL: any); NULL:
 * none. */
static const struct check_event *login_anew(const struct check_evidence *evidence,
					    const uint8_t *isid)
{
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (is_request(event) && event->connection != evidence->connection &&
		    opcode_of(event) == ISCSI_LOGIN_REQUEST && event->number == 1 &&
		    (!isid || memcmp(event->bhs + 8, isid, 6) == 0) &&
		    get_be16(event->bhs + 14) == 0)
			return event;
	}
	return NULL;
}

static bool relogin(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	return login_anew(evidence, NULL) != NULL;
}

static bool reinstates(const struct clause *clause, const struct check_evidence *evidence)
{
	const uint8_t *isid = isid_of(evidence);
	(void)clause;

	return isid && login_anew(evidence, isid);
}

static bool relogin_after(const struct clause *clause, const struct check_evidence *evidence)
{
	const struct check_event *login = login_anew(evidence, NULL);
	size_t mark = evidence->mark > 0 ? evidence->mark - 1 : 0;

	return login && login->ms - evidence->record->events[mark].ms >= clause->number;
}

static bool failed(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	return evidence->ended == CHECK_ENDED_FAILED;
}

static bool recovers(const struct clause *clause, const struct check_evidence *evidence)
{
	size_t at;

	return left(evidence, &at) && (login_anew(evidence, NULL) || failed(clause, evidence));
}

static bool logout(const struct clause *clause, const struct check_evidence *evidence)
{
	struct clause request = *clause;

	request.opcode = ISCSI_LOGOUT_REQUEST;
	request.test_count = 0;
	return sent(&request, evidence);
}

static bool logout_within(const struct clause *clause, const struct check_evidence *evidence)
{
	const struct check_event *events = evidence->record->events;

	for (size_t i = evidence->mark; evidence->mark > 0 && i < evidence->end; i++)
		if (is_request(&events[i]) && events[i].connection == evidence->connection &&
		    opcode_of(&events[i]) == ISCSI_LOGOUT_REQUEST)
			return events[i].ms - events[evidence->mark - 1].ms <= clause->number;
	return false;
}

static bool full_feature(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (is_request(event) && event->connection == evidence->connection &&
		    opcode_of(event) != ISCSI_LOGIN_REQUEST)
			return true;
	}
	return false;
}

static bool paced(const struct clause *clause, const struct check_evidence *evidence)
{
	const struct check_record *record = evidence->record;

	for (size_t i = 0; i < evidence->end; i++) {
		uint64_t count = 0;
		for (size_t k = i; record->events[i].kind == CHECK_OPENED && k < evidence->end &&
				   record->events[k].ms - record->events[i].ms < SECOND_MS;
		     k++)
			count += record->events[k].kind == CHECK_OPENED;
		if (count > clause->number)
			return false;
	}
	return true;
}

static bool takes_cmdsn(const struct check_event *event)
{
	return is_request(event) && (event->bhs[0] & 0x40) == 0 &&
	       opcode_of(event) != ISCSI_DATA_OUT && opcode_of(event) != ISCSI_SNACK_REQUEST;
}

/* No request that takes a CmdSN for so long behind the stimulus. */
static bool quiet(const struct clause *clause, const struct check_evidence *evidence)
{
	const struct check_event *events = evidence->record->events;

	if (evidence->mark == 0)
		return false;
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		if (takes_cmdsn(&events[i]) && events[i].connection == evidence->connection)
			return events[i].ms - events[evidence->mark - 1].ms >= clause->number;
	}
	return true;
}

/* No request that takes a CmdSN behind the stimulus and before such a PDU. */
static bool quiet_until(const struct clause *clause, const struct check_evidence *evidence)
{
	for (size_t i = evidence->mark; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		if (event->connection != evidence->connection)
			continue;
		if (pdu_fits(clause, event, evidence))
			return true;
		if (takes_cmdsn(event))
			return false;
	}
	return true;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The first value of the clause's key that fits the clause. */
static bool value_of_key(const struct clause *clause, const struct check_event *event,
			 struct words *ret_value)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	if (!is_request(event) || event->data_len == 0 ||
	    (opcode_of(event) != ISCSI_LOGIN_REQUEST && opcode_of(event) != ISCSI_TEXT_REQUEST))
		return false;
	iscsi_text_reader_init(&reader, event->data, event->data_len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (check_word_is(clause->key, key) &&
		    (!clause->value.text || check_word_is(clause->value, value))) {
			*ret_value = (struct words){value, strlen(value)};
			return true;
		}
	return false;
}

static bool has_key(const struct clause *clause, const struct check_event *event)
{
	struct words value;

	return value_of_key(clause, event, &value);
}

static bool said_from(const struct clause *clause, const struct check_evidence *evidence,
		      size_t from)
{
	for (size_t i = from; i < evidence->end; i++)
		if (has_key(clause, &evidence->record->events[i]))
			return true;
	return false;
}

static bool said(const struct clause *clause, const struct check_evidence *evidence)
{
	return said_from(clause, evidence, evidence->mark);
}

static bool offered(const struct clause *clause, const struct check_evidence *evidence)
{
	return said_from(clause, evidence, 0);
}

/* Has the key another value each time, over all connections? */
static bool distinct(const struct clause *clause, const struct check_evidence *evidence)
{
	for (size_t i = 0; i < evidence->end; i++) {
		struct clause other = *clause;
		const struct check_event *event = &evidence->record->events[i];
		other.value.text = NULL;
		if (!value_of_key(&other, event, &other.value))
			continue;
		for (size_t k = i + 1; k < evidence->end; k++)
			if (has_key(&other, &evidence->record->events[k]))
				return false;
	}
	return true;
}

/* ---- the command's own result, and the observer ---------------------------------------------- */

static bool prints(const struct clause *clause, const struct check_evidence *evidence)
{
	char text[PRINTED_MAX];
	size_t len = clause->key.len + (clause->value.text ? 1 + clause->value.len : 0);

	if (!evidence->output || len >= sizeof(text))
		return false;
	memcpy(text, clause->key.text, len);
	text[len] = '\0';
	return strcasestr(evidence->output, text) != NULL;
}

static bool ok(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	return evidence->ended == CHECK_ENDED_OK;
}

static bool ended(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	return evidence->ended == CHECK_ENDED_OK || evidence->ended == CHECK_ENDED_FAILED;
}

static bool notices(const struct clause *clause, const struct check_evidence *evidence)
{
	return failed(clause, evidence) || evidence->ended == CHECK_ENDED_WRONG_DATA;
}

static bool clean(const struct clause *clause, const struct check_evidence *evidence)
{
	enum iscsi_verdict verdict = evidence->passive[clause->passive];

	return verdict != ISCSI_VERDICT_FAIL && verdict != ISCSI_VERDICT_WARN;
}

const struct predicate check_predicates[] = {
	{"closed", 0, closed},
	{"recovers", 0, recovers},
	{"relogin", 0, relogin},
	{"reinstates", 0, reinstates},
	{"relogin-after", TAKES_NUMBER, relogin_after},
	{"logout", 0, logout},
	{"logout-within", TAKES_NUMBER, logout_within},
	{"full-feature", 0, full_feature},
	{"sent", TAKES_PDU, sent},
	{"anywhere", TAKES_PDU, anywhere},
	{"first", TAKES_PDU, first},
	{"most", TAKES_NUMBER | TAKES_PDU, most},
	{"least", TAKES_NUMBER | TAKES_PDU, least},
	{"said", TAKES_TEXT, said},
	{"offered", TAKES_TEXT, offered},
	{"distinct", TAKES_TEXT, distinct},
	{"proves", 0, check_chap_proves},
	{"prints", TAKES_TEXT, prints},
	{"again", 0, check_again},
	{"again-most", TAKES_NUMBER, check_again_most},
	{"in-turn", 0, check_in_turn},
	{"quiet", TAKES_NUMBER, quiet},
	{"quiet-until", TAKES_PDU, quiet_until},
	{"paced", TAKES_NUMBER, paced},
	{"ok", 0, ok},
	{"failed", 0, failed},
	{"ended", 0, ended},
	{"notices", 0, notices},
	{"clean", TAKES_PASSIVE, clean},
	{NULL, 0, NULL},
};
