/*
 * `lun-add`, `lun-remove`, `lun-resize`: the LUNs of a target while it serves. Files are opened and
 * a journal is read on the loop, as at the start; what drains, drains behind the reply.
 */
#include "tools/holdfastd/control_commands.h"
#include "tools/holdfastd/loops.h"
#include "tools/holdfastd/serve_luns.h"

#define SETTINGS_MAX 64
#define PROBLEMS_MAX 400 /* characters of what is wrong with settings */

/* What a request is about. */
struct subject {
	uint32_t target; /* index */
	uint16_t lun;
};

static bool find_subject(const struct service *service, const json_t *request,
			 struct control_reply *reply, struct subject *ret_subject)
{
	const json_t *lun = json_object_get(request, "lun");
	uint32_t target = control_find_target(service, request, reply);

	if (target == UINT32_MAX)
		return false;
	if (!json_is_integer(lun) || json_integer_value(lun) < 0 ||
	    json_integer_value(lun) > SCSI_LUN_MAX) {
		control_reply_error(reply, "`lun` must be a number, 0 to %d", SCSI_LUN_MAX);
		return false;
	}
	*ret_subject = (struct subject){target, (uint16_t)json_integer_value(lun)};
	return true;
}

static const char *target_name(const struct service *service, const struct subject *subject)
{
	return service->config->targets[subject->target].name;
}

static void reply_blocks(const struct service *service, const struct subject *subject,
			 struct control_reply *reply)
{
	const struct scsi_lun *lun =
		scsi_target_lun(service->targets[subject->target], subject->lun);

	control_reply_object(reply,
			     json_pack("{s:b,s:s,s:i,s:I,s:i}", "ok", 1, "target",
				       target_name(service, subject), "lun", (int)subject->lun,
				       "blocks", (json_int_t)scsi_lun_blocks(lun), "block_size",
				       (int)scsi_lun_block_size(lun)));
}

/* ---- lun-add -------------------------------------------------------------------------------- */

struct problems {
	char text[PROBLEMS_MAX];
	size_t len;
};

static void collect_problem(void *context, const char *problem)
{
	struct problems *problems = context;
	size_t room = sizeof(problems->text) - problems->len;
	int n = snprintf(problems->text + problems->len, room, "%s%s",
			 problems->len > 0 ? "; " : "", problem);

	if (n > 0)
		problems->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* The settings as text each, borrowed from the request. */
static bool collect_settings(const json_t *request, struct control_reply *reply,
			     struct config_setting_text *settings, uint32_t *ret_count)
{
	json_t *object = json_object_get(request, "settings");
	uint32_t count = 0;
	const char *name;
	json_t *value;

	if (object && !json_is_object(object)) {
		control_reply_error(reply, "`settings` must be an object");
		return false;
	}
	json_object_foreach(object, name, value)
	{
		if (!json_is_string(value)) {
			control_reply_error(reply, "setting `%.64s` must be text", name);
			return false;
		}
		if (count == SETTINGS_MAX) {
			control_reply_error(reply, "more than %d settings", SETTINGS_MAX);
			return false;
		}
		settings[count++] = (struct config_setting_text){name, json_string_value(value)};
	}
	*ret_count = count;
	return true;
}

static bool place_is_free(const struct service *service, const struct subject *subject,
			  struct control_reply *reply)
{
	const struct scsi_target *target = service->targets[subject->target];

	if (scsi_target_lun(target, subject->lun))
		control_reply_error(reply, "there is a LUN %u already", subject->lun);
	else if (scsi_target_is_removing_lun(target, subject->lun))
		control_reply_error(reply, "LUN %u is still being removed: try again",
				    subject->lun);
	else
		return true;
	return false;
}

void control_lun_add(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct config_setting_text settings[SETTINGS_MAX];
	struct problems problems = {.len = 0};
	char why[SERVE_WHY_MAX];
	struct subject subject;
	struct config_lun lun;
	uint32_t count;

	if (!find_subject(service, request, reply, &subject) ||
	    !collect_settings(request, reply, settings, &count) ||
	    !place_is_free(service, &subject, reply))
		return;
	loops_recall(service);
	if (!config_load_lun(service->config, subject.lun, settings, count, collect_problem,
			     &problems, &lun))
		control_reply_error(reply, "%s", problems.text);
	else if (!serve_one_lun(service, subject.target, &lun, why))
		control_reply_error(reply, "%s", why);
	else
		reply_blocks(service, &subject, reply);
}

/* ---- lun-remove ----------------------------------------------------------------------------- */

struct removal {
	struct service *service;
	struct subject subject;
};

static void lun_removed(void *context)
{
	struct removal *removal = context;
	const struct subject *subject = &removal->subject;
	struct service *service = removal->service;

	config_drop_lun(&service->config->targets[subject->target], subject->lun);
	log_line(service->log, LOG_LEVEL_INFO, "target %s, LUN %u removed",
		 target_name(service, subject), subject->lun);
	free(removal);
}

void control_lun_remove(struct service *service, const json_t *request, struct control_reply *reply)
{
	struct subject subject;

	if (!find_subject(service, request, reply, &subject))
		return;
	struct removal *removal = malloc(sizeof(*removal));
	if (!removal) {
		control_reply_error(reply, "no memory");
		return;
	}
	*removal = (struct removal){service, subject};
	loops_recall(service);
	if (scsi_target_remove_lun(service->targets[subject.target], subject.lun, lun_removed,
				   removal) != 0) {
		free(removal);
		control_reply_error(reply, "there is no LUN %u", subject.lun);
		return;
	}
	control_reply_object(reply,
			     json_pack("{s:b,s:s,s:i}", "ok", 1, "target",
				       target_name(service, &subject), "lun", (int)subject.lun));
}

/* ---- lun-resize ----------------------------------------------------------------------------- */

static void resize_refused(const struct subject *subject, int error, struct control_reply *reply)
{
	switch (-error) {
	case ENOENT:
		control_reply_error(reply, "there is no LUN %u", subject->lun);
		return;
	case EINVAL:
		control_reply_error(reply, "the size is no multiple of the block size of LUN %u",
				    subject->lun);
		return;
	case EFBIG:
		control_reply_error(reply,
				    "LUN %u is larger, or the size too large: a LUN can grow, and "
				    "never shrinks",
				    subject->lun);
		return;
	default:
		control_reply_error(reply, "the backing store of LUN %u does not grow: %s",
				    subject->lun, strerror(-error));
	}
}

void control_lun_resize(struct service *service, const json_t *request, struct control_reply *reply)
{
	const json_t *wanted = json_object_get(request, "size");
	struct subject subject;
	uint64_t size = 0;

	if (!find_subject(service, request, reply, &subject))
		return;
	if (wanted && (!json_is_string(wanted) ||
		       !config_parse_size(json_string_value(wanted), &size) || size == 0)) {
		control_reply_error(reply, "`size` must be text such as \"2G\"");
		return;
	}
	loops_recall(service);
	int error = scsi_target_resize_lun(service->targets[subject.target], subject.lun, size);
	if (error != 0)
		resize_refused(&subject, error, reply);
	else
		reply_blocks(service, &subject, reply);
}
