/*
 * `holdfast status` and `holdfast sessions`.
 */
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"

static void print_lun(const json_t *lun)
{
	char size[TEXT_SIZE_MAX];
	int number = (int)member_number(lun, "number");
	json_int_t registrations = member_number(lun, "registrations");
	const char *reservation = member_text(lun, "reservation");

	if (!member_is_true(lun, "online")) {
		printf("  LUN %-3d  left out: its reservation journal cannot be used (see the daemon's "
		       "log)\n",
		       number);
		return;
	}
	uint64_t blocks = (uint64_t)member_number(lun, "blocks");
	text_size(blocks * (uint64_t)member_number(lun, "block_size"), size);
	printf("  LUN %-3d  %-10s %-7s %-7s", number, size, member_text(lun, "backing"),
	       member_text(lun, "profile"));
	printf("%" JSON_INTEGER_FORMAT " registration%s", registrations,
	       TEXT_PLURAL(registrations));
	if (member_is_true(lun, "spc2_reserved"))
		printf(", reserved by RESERVE(6)");
	else
		printf(", %s", reservation[0] ? reservation : "not reserved");
	if (registrations > 0)
		printf(", APTPL %s", member_is_true(lun, "aptpl") ? "on" : "off");
	if (member_is_true(lun, "read_only"))
		printf(", read only");
	json_int_t errors = member_number(json_object_get(lun, "journal"), "errors");
	if (errors > 0)
		printf(", %" JSON_INTEGER_FORMAT " JOURNAL ERROR%s", errors,
		       errors == 1 ? "" : "S");
	putchar('\n');
}

static void print_target(const json_t *target)
{
	const json_t *portal, *lun;
	const char *alias = member_text(target, "alias");
	size_t i;

	printf("\n%s", member_text(target, "name"));
	if (alias[0])
		printf("  (%s)", alias);
	printf("\n  portals ");
	json_array_foreach(json_object_get(target, "portals"), i, portal)
	{
		printf(" %s", json_string_value(portal));
	}
	putchar('\n');
	json_array_foreach(json_object_get(target, "luns"), i, lun)
	{
		print_lun(lun);
	}
}

static void print_status(const json_t *status)
{
	char uptime[TEXT_TIME_MAX];
	json_int_t sessions = member_number(status, "sessions");
	json_int_t connections = member_number(status, "connections");
	const json_t *target;
	size_t i;

	text_duration(member_time(status, "uptime_ms"), uptime);
	printf("holdfastd %s, pid %" JSON_INTEGER_FORMAT ", up %s\n",
	       member_text(status, "version"), member_number(status, "pid"), uptime);
	printf("state in %s\n", member_text(status, "state_dir"));
	printf("%" JSON_INTEGER_FORMAT " session%s on %" JSON_INTEGER_FORMAT " connection%s\n",
	       sessions, TEXT_PLURAL(sessions), connections, TEXT_PLURAL(connections));
	json_array_foreach(json_object_get(status, "targets"), i, target)
	{
		print_target(target);
	}
}

enum exit_status command_status(const struct arguments *arguments)
{
	json_t *reply = NULL;
	enum exit_status status =
		client_ask(arguments, json_pack("{s:s}", "command", "status"), &reply);

	if (status != STATUS_OK)
		return status;
	if (arguments->json)
		print_json(reply);
	else
		print_status(reply);
	json_decref(reply);
	return STATUS_OK;
}

static void print_session(const json_t *session)
{
	char since[TEXT_TIME_MAX], received[TEXT_SIZE_MAX], sent[TEXT_SIZE_MAX];
	const char *alias = member_text(session, "alias");

	text_time(member_time(session, "since_ms"), since);
	text_size((uint64_t)member_number(session, "bytes_written"), received);
	text_size((uint64_t)member_number(session, "bytes_read"), sent);
	printf("%s%s%s%s\n", member_text(session, "initiator"), alias[0] ? "  (" : "", alias,
	       alias[0] ? ")" : "");
	printf("  %-11s %s\n", "from", member_text(session, "peer"));
	if (member_is_true(session, "discovery"))
		printf("  %-11s discovery\n", "session");
	else
		printf("  %-11s %s\n", "target", member_text(session, "target"));
	printf("  %-11s ISID %s, TSIH %" JSON_INTEGER_FORMAT ", port %" JSON_INTEGER_FORMAT "\n",
	       "nexus", member_text(session, "isid"), member_number(session, "tsih"),
	       member_number(session, "port"));
	printf("  %-11s %s\n", "since", since);
	printf("  %-11s %" JSON_INTEGER_FORMAT " commands, %" JSON_INTEGER_FORMAT
	       " under way, %s written, %s read\n",
	       "so far", member_number(session, "commands"), member_number(session, "tasks"),
	       received, sent);
}

enum exit_status command_sessions(const struct arguments *arguments)
{
	json_t *reply = NULL, *request = json_pack("{s:s}", "command", "sessions");
	const json_t *session;
	size_t i;

	if (request && arguments->target)
		json_object_set_new(request, "target", json_string(arguments->target));
	enum exit_status status = client_ask(arguments, request, &reply);
	if (status != STATUS_OK)
		return status;
	const json_t *sessions = json_object_get(reply, "sessions");
	if (arguments->json) {
		print_json(reply);
	} else if (json_array_size(sessions) == 0) {
		printf("nobody is logged in\n");
	} else {
		json_array_foreach(sessions, i, session)
		{
			if (i > 0)
				putchar('\n');
			print_session(session);
		}
	}
	json_decref(reply);
	return STATUS_OK;
}
