/*
 * `holdfast check-initiator --list` and `--explain ID`: the catalogue of checks.
 */
#include "config/suggest.h"
#include "tools/holdfast/command.h"
#include "tools/holdfast/text.h"
#include "transport/checks.h"

static const char *mode_of(const struct iscsi_check *check)
{
	return check->passive != ISCSI_CHECK_NONE ? "passive" : "active";
}

static json_t *check_object(const struct iscsi_check *check, const struct iscsi_check_group *group)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", check->id, "group",
			 group->code, "group_title", group->title, "mode", mode_of(check),
			 "severity", iscsi_severity_name(check->severity), "source", check->source,
			 "title", check->title, "stimulus", check->stimulus, "expectation",
			 check->expectation);
}

static void list_json(void)
{
	json_t *checks = json_array();

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			json_array_append_new(checks, check_object(&iscsi_check_groups[g].checks[i],
								   &iscsi_check_groups[g]));
	json_t *object = json_pack("{s:o}", "checks", checks);
	print_json(object);
	json_decref(object);
}

static void list_text(void)
{
	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++) {
		const struct iscsi_check_group *group = &iscsi_check_groups[g];
		printf("%s%s  %s\n", g > 0 ? "\n" : "", group->code, group->title);
		for (size_t i = 0; i < group->count; i++)
			printf("  %-36s %-7s  %-10s  %s\n", group->checks[i].id,
			       mode_of(&group->checks[i]),
			       iscsi_severity_name(group->checks[i].severity),
			       group->checks[i].title);
	}
}

static const char *suggest(const char *id)
{
	const char *best = NULL;
	size_t best_cost = SIZE_MAX;

	for (size_t g = 0; g < ISCSI_CHECK_GROUPS; g++)
		for (size_t i = 0; i < iscsi_check_groups[g].count; i++)
			config_consider(id, iscsi_check_groups[g].checks[i].id, &best, &best_cost);
	return best;
}

static enum exit_status explain(const struct arguments *arguments)
{
	const struct iscsi_check_group *group;
	const struct iscsi_check *check = iscsi_check_find(arguments->explain, &group);

	if (!check) {
		const char *proposal = suggest(arguments->explain);
		fprintf(stderr, "holdfast: there is no check `%s`%s%s%s\n", arguments->explain,
			proposal ? ": did you mean `" : "", proposal ? proposal : "",
			proposal ? "`?" : "");
		return STATUS_USAGE;
	}
	if (arguments->json) {
		json_t *object = check_object(check, group);
		print_json(object);
		json_decref(object);
		return STATUS_OK;
	}
	printf("%s\n  %s\n\n", check->id, check->title);
	printf("  group       %s, %s\n  mode        %s\n  severity    %s\n", group->code,
	       group->title, mode_of(check), iscsi_severity_name(check->severity));
	printf("  source      %s\n  stimulus    %s\n  expectation %s\n", check->source,
	       check->stimulus, check->expectation);
	return STATUS_OK;
}

enum exit_status command_check_initiator(const struct arguments *arguments)
{
	if (arguments->explain)
		return explain(arguments);
	if (!arguments->list) {
		fputs("holdfast: check-initiator needs --list or --explain ID\n", stderr);
		return STATUS_USAGE;
	}
	if (arguments->json)
		list_json();
	else
		list_text();
	return STATUS_OK;
}
