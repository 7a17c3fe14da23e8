#include "tools/holdfastd/control_reply.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tools/common/escape.h"

#define REPLY_CAP_FIRST	     4096
#define REPLY_ERROR_TEXT_MAX 512

void control_reply_clear(struct control_reply *reply)
{
	if (reply->work_free)
		reply->work_free(reply->work);
	free(reply->text);
	memset(reply, 0, sizeof(*reply));
}

/* What was sent makes room; then the buffer doubles. */
static bool reply_reserve(struct control_reply *reply, size_t len)
{
	size_t wanted, cap = reply->cap > 0 ? reply->cap : REPLY_CAP_FIRST;

	if (reply->sent > 0) {
		memmove(reply->text, reply->text + reply->sent, reply->len - reply->sent);
		reply->len -= reply->sent;
		reply->sent = 0;
	}
	if (!size_add(reply->len, len, &wanted))
		return false;
	while (cap < wanted) {
		if (cap > SIZE_MAX / 2)
			return false;
		cap *= 2;
	}
	if (cap == reply->cap)
		return true;
	char *text = realloc(reply->text, cap);
	if (!text)
		return false;
	reply->text = text;
	reply->cap = cap;
	return true;
}

void control_reply_append(struct control_reply *reply, const char *text, size_t len)
{
	reply->active = true;
	if (reply->failed || !reply_reserve(reply, len)) {
		reply->failed = true;
		return;
	}
	memcpy(reply->text + reply->len, text, len);
	reply->len += len;
}

void control_reply_append_json(struct control_reply *reply, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	reply->active = true;
	if (text)
		control_reply_append(reply, text, strlen(text));
	else
		reply->failed = true;
	free(text);
}

void control_reply_object(struct control_reply *reply, json_t *object)
{
	control_reply_append_json(reply, object);
	control_reply_append(reply, "\n", 1);
}

void control_reply_error(struct control_reply *reply, const char *format, ...)
{
	char text[REPLY_ERROR_TEXT_MAX], escaped[REPLY_ERROR_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	escape_text(text, escaped, sizeof(escaped));
	control_reply_object(reply, json_pack("{s:b,s:s}", "ok", 0, "error", escaped));
}

void control_reply_begin_array(struct control_reply *reply, json_t *head, const char *name)
{
	control_reply_append_json(reply, head);
	if (reply->failed)
		return;
	reply->len--; /* the closing brace; a head has at least the member `ok` */
	control_reply_append(reply, ",\"", 2);
	control_reply_append(reply, name, strlen(name));
	control_reply_append(reply, "\":[", 3);
}

void control_reply_element(struct control_reply *reply, bool is_first, json_t *element)
{
	if (!is_first)
		control_reply_append(reply, ",", 1);
	control_reply_append_json(reply, element);
}

void control_reply_make_more(struct control_reply *reply)
{
	if (!reply->more || reply->failed || reply->more(reply))
		return;
	reply->more = NULL;
	if (!reply->follows)
		control_reply_append(reply, "]}\n", 3);
}
