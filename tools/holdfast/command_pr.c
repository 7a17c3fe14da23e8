/*
 * `holdfast pr show [LUN]`: who is registered, who holds what, since when.
 */
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static void print_reservation(const json_t *pr)
{
	const json_t *reservation = json_object_get(pr, "reservation");
	const json_t *spc2 = json_object_get(pr, "spc2_owner");
	char since[TEXT_TIME_MAX];

	if (json_is_object(spc2))
		printf("  reserved      by RESERVE(6)/(10): %s, ISID %s, port %" JSON_INTEGER_FORMAT
		       "\n",
		       member_text(spc2, "initiator"), member_text(spc2, "isid"),
		       member_number(spc2, "port"));
	if (!json_is_object(reservation)) {
		printf("  reservation   none\n");
		return;
	}
	text_time(member_time(reservation, "since_ms"), since);
	printf("  reservation   %s (type %" JSON_INTEGER_FORMAT "h)\n",
	       member_text(reservation, "type_name"), member_number(reservation, "type"));
	if (member_is_true(reservation, "all_registrants"))
		printf("  held by       every registrant\n");
	else
		printf("  held by       %s, key %s\n", member_text(reservation, "initiator"),
		       member_text(reservation, "key"));
	printf("  since         %s, record %" JSON_INTEGER_FORMAT "\n", since,
	       member_number(reservation, "since_sequence"));
}

static int name_width(const json_t *registrations)
{
	const json_t *registration;
	int width = text_width("INITIATOR");
	size_t i;

	json_array_foreach(registrations, i, registration)
	{
		int own = text_width(member_text(registration, "initiator"));
		width = own > width ? own : width;
	}
	return width;
}

static void print_registrations(const json_t *registrations)
{
	const json_t *registration;
	int width = name_width(registrations);
	char since[TEXT_TIME_MAX];
	size_t i;

	printf("\n    %-18s  %-*s  %-14s  %5s  %-20s  %s\n", "KEY", width, "INITIATOR", "ISID",
	       "PORT", "REGISTERED", "RECORD");
	json_array_foreach(registrations, i, registration)
	{
		text_time(member_time(registration, "since_ms"), since);
		const char *name = member_text(registration, "initiator");
		printf("  %c %-18s  %s%*s  %-14s  %5" JSON_INTEGER_FORMAT
		       "  %-20s  %" JSON_INTEGER_FORMAT "\n",
		       member_is_true(registration, "holder") ? '*' : ' ',
		       member_text(registration, "key"), name, width - text_width(name), "",
		       member_text(registration, "isid"), member_number(registration, "port"),
		       since, member_number(registration, "since_sequence"));
	}
	printf("  (* holds the reservation)\n");
}

static void print_pr(const json_t *pr)
{
	const json_t *registrations = json_object_get(pr, "registrations");
	size_t count = json_array_size(registrations);

	printf("%s LUN %" JSON_INTEGER_FORMAT ", profile %s\n", member_text(pr, "target"),
	       member_number(pr, "lun"), member_text(pr, "profile"));
	print_reservation(pr);
	printf("  registered    %zu nexus%s\n", count, count == 1 ? "" : "es");
	if (count > 0)
		printf("  APTPL         %s\n",
		       member_is_true(pr, "aptpl")
			       ? "on: all of this outlives a power loss"
			       : "off: a restart of the target drops all of this");
	printf("  PRGENERATION  %" JSON_INTEGER_FORMAT "\n", member_number(pr, "generation"));
	if (count > 0)
		print_registrations(registrations);
}

static enum exit_status ask_pr(const struct arguments *arguments, const char *target,
			       json_int_t lun, json_t **ret_pr)
{
	json_t *request = json_pack("{s:s,s:I}", "command", "pr", "lun", lun);

	if (request && target)
		json_object_set_new(request, "target", json_string(target));
	return client_ask(arguments, request, ret_pr);
}

bool parse_lun(const char *text, json_int_t *ret_lun)
{
	return parse_number(text, "LUN", 255, ret_lun);
}

static enum exit_status show_one(const struct arguments *arguments)
{
	json_int_t lun = 0;
	json_t *pr = NULL;

	if (!parse_lun(arguments->words[0], &lun))
		return STATUS_USAGE;
	enum exit_status status = ask_pr(arguments, arguments->target, lun, &pr);
	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(pr);
	else
		print_pr(pr);
	json_decref(pr);
	return STATUS_OK;
}

/* Asks for every LUN that is online, in the order of the status. */
static enum exit_status collect_target(const struct arguments *arguments, const json_t *target,
				       json_t *all)
{
	const char *name = member_text(target, "name");
	const json_t *lun;
	size_t i;

	json_array_foreach(json_object_get(target, "luns"), i, lun)
	{
		json_t *pr = NULL;
		if (!member_is_true(lun, "online"))
			continue;
		enum exit_status status =
			ask_pr(arguments, name, member_number(lun, "number"), &pr);
		if (status != STATUS_OK)
			return status;
		json_array_append_new(all, pr);
	}
	return STATUS_OK;
}

static enum exit_status collect(const struct arguments *arguments, json_t *all)
{
	json_t *overview = NULL;
	const json_t *target;
	bool found = false;
	size_t i;

	enum exit_status status =
		client_ask(arguments, json_pack("{s:s}", "command", "status"), &overview);
	if (status != STATUS_OK)
		return status;
	json_array_foreach(json_object_get(overview, "targets"), i, target)
	{
		if (arguments->target &&
		    strcasecmp(arguments->target, member_text(target, "name")) != 0)
			continue;
		found = true;
		if (status == STATUS_OK)
			status = collect_target(arguments, target, all);
	}
	json_decref(overview);
	if (!found) {
		fprintf(stderr, "holdfast: there is no target `%s`: `holdfast status` lists them\n",
			arguments->target ? arguments->target : "");
		return STATUS_FAILED;
	}
	return status;
}

static enum exit_status show_all(const struct arguments *arguments)
{
	json_t *all = json_array();
	const json_t *pr;
	size_t i;

	enum exit_status status = collect(arguments, all);
	if (status == STATUS_OK && arguments->json) {
		print_json(all);
	} else if (status == STATUS_OK) {
		json_array_foreach(all, i, pr)
		{
			if (i > 0)
				putchar('\n');
			print_pr(pr);
		}
	}
	json_decref(all);
	return status;
}

enum exit_status command_pr_show(const struct arguments *arguments)
{
	return arguments->words[0] ? show_one(arguments) : show_all(arguments);
}
