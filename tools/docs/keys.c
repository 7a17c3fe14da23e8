/*
 * docs/keys.md: the table of text keys, with what the target wants unless it is told otherwise.
 */
#include "tools/docs/docs.h"

#include "transport/keys.h"

static const char *const uses[] = {
	[ISCSI_USE_LEADING_ONLY] = "leading login",
	[ISCSI_USE_INITIALIZATION_ONLY] = "login",
	[ISCSI_USE_ALL] = "any time",
	[ISCSI_USE_FULL_FEATURE_ONLY] = "full feature phase",
};

static const char *const senders[] = {
	[ISCSI_FROM_INITIATOR] = "initiator",
	[ISCSI_FROM_TARGET] = "target",
	[ISCSI_FROM_BOTH] = "both",
};

static const char *const functions[] = {
	[ISCSI_FUNCTION_DECLARE] = "declared",
	[ISCSI_FUNCTION_MIN] = "the lower",
	[ISCSI_FUNCTION_MAX] = "the higher",
	[ISCSI_FUNCTION_AND] = "Yes if both say so",
	[ISCSI_FUNCTION_OR] = "Yes if one says so",
	[ISCSI_FUNCTION_CHOOSE] = "the first offered that is known",
	[ISCSI_FUNCTION_AUTHENTICATE] = "by the method",
	[ISCSI_FUNCTION_SEND_TARGETS] = "a question",
	[ISCSI_FUNCTION_NO] = "No",
	[ISCSI_FUNCTION_REJECT] = "Reject",
	[ISCSI_FUNCTION_NOT_UNDERSTOOD] = "NotUnderstood",
};

static const char *const discoveries[] = {
	[ISCSI_DISCOVERY_SAME] = "the same",
	[ISCSI_DISCOVERY_IRRELEVANT] = "Irrelevant",
	[ISCSI_DISCOVERY_DEFAULT] = "the default",
};

static const char head[] =
	"# Text keys\n\n"
	"Printed from `transport/keys.c` by `make docs`; `make check` fails when this page is out of "
	"date. The columns:\nwho may say it and when, what may be said, what holds when nobody does, what "
	"the target wants unless\n`policy` says otherwise (holdfast.conf(5)), how the outcome is found, "
	"and what a discovery session\nanswers. Other keys are answered NotUnderstood.\n\n"
	"| key | from | when | range | default | wanted | outcome | discovery |\n"
	"|---|---|---|---|---|---|---|---|\n";

static void print_value(FILE *out, const struct iscsi_key *key, uint32_t value)
{
	if (key->type == ISCSI_TYPE_BOOLEAN)
		fputs(value ? "Yes" : "No", out);
	else if (key->choices[0])
		fputs(key->choices[value], out);
	else
		fprintf(out, "%u", value);
}

static void print_range(FILE *out, const struct iscsi_key *key)
{
	if (key->type == ISCSI_TYPE_NUMBER)
		fprintf(out, "%u to %u", key->min, key->max);
	else if (key->type == ISCSI_TYPE_BOOLEAN)
		fputs("Yes, No", out);
	else if (key->choices[0])
		fprintf(out, "%s%s%s", key->choices[0], key->choices[1] ? ", " : "",
			key->choices[1] ? key->choices[1] : "");
	else
		fprintf(out, "%u bytes", key->max);
}

static bool has_value(const struct iscsi_key *key)
{
	return key->type == ISCSI_TYPE_NUMBER || key->type == ISCSI_TYPE_BOOLEAN ||
	       key->choices[0] != NULL;
}

static void print_key(FILE *out, const struct iscsi_key *key, const struct iscsi_policy *policy)
{
	bool obsolete = key->function == ISCSI_FUNCTION_NO;
	bool wanted = key->policy_place != 0 || key->ours != 0;

	fprintf(out, "| %s | %s | %s | ", key->name, senders[key->sender], uses[key->use]);
	print_range(out, key);
	fputs(" | ", out);
	if (has_value(key) && !obsolete)
		print_value(out, key, key->default_value);
	fputs(" | ", out);
	if (wanted)
		print_value(out, key, iscsi_key_ours(key, policy));
	fprintf(out, " | %s | %s |\n", functions[key->function], discoveries[key->discovery]);
}

void docs_keys(FILE *out)
{
	struct iscsi_policy policy;

	iscsi_policy_defaults(&policy);
	fputs(head, out);
	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++)
		print_key(out, iscsi_key_row((enum iscsi_key_id)id), &policy);
}
