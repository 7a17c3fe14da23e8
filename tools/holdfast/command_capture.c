/*
 * `holdfast capture FILE`: the sessions' PDUs as a pcapng file.
 *
 * The daemon sends events; what is no PDU becomes a comment on the PDU that it belongs to: the
 * answer of the task that it is about, or the next one of its connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "pr_engine/bytes.h"
#include "tools/holdfast/client.h"
#include "tools/holdfast/text.h"
#include "tools/holdfast/trace_request.h"
#include "transport/pcapng.h"
#include "transport/pdu.h"

#define DURATION_MAX 86400 /* seconds */
#define COUNT_MAX    1000000000
#define COMMENTS_MAX 4096 /* that wait for their PDU */

/* One connection, by its number in the trace. */
struct flow {
	struct flow *prev, *next;
	json_int_t who;
	struct iscsi_pcapng_flow tcp;
};

/* What is to be said about a PDU that has not come yet. */
struct comment {
	struct comment *prev, *next;
	json_int_t who; /* a connection's, when it has no tag */
	bool has_tag;
	json_int_t tag;
	char initiator[224], isid[16];
	char *text;
};

struct capture {
	FILE *file;
	const char *name;
	struct flow *flows;
	struct comment *comments;
	unsigned comment_count;
	json_int_t pdus, pdus_max, lost;
	bool failed;
};

/* ---- the file -------------------------------------------------------------------------------- */

static void write_out(struct capture *capture, const struct byte_writer *out)
{
	if (out->overflow || fwrite(out->data, 1, out->len, capture->file) != out->len)
		capture->failed = true;
}

/* "192.0.2.1:3260", "[2001:db8::1]:3260". */
static bool parse_end(const char *text, struct iscsi_pcapng_end *end, bool *ret_is_ipv6)
{
	const char *colon = strrchr(text, ':');
	char address[80];
	size_t len;

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return false;
	*ret_is_ipv6 = text[0] == '[';
	len = (size_t)(colon - text);
	memcpy(address, text, len);
	address[len] = '\0';
	/* Brackets off, and what names an interface. */
	if (*ret_is_ipv6) {
		memmove(address, address + 1, len);
		address[strcspn(address, "]%")] = '\0';
	}
	end->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	end->sequence = 1;
	return inet_pton(*ret_is_ipv6 ? AF_INET6 : AF_INET, address, end->address) == 1;
}

/* A connection or nexus: numbers are those of its event loop. */
static json_int_t who_of(const json_t *event)
{
	return member_number(event, "loop") << 32 | member_number(event, "who");
}

static struct flow *find_flow(struct capture *capture, const json_t *event, bool make)
{
	json_int_t who = who_of(event);
	struct flow *flow;

	DL_FOREACH(capture->flows, flow)
	if (flow->who == who)
		return flow;
	flow = make ? calloc(1, sizeof(*flow)) : NULL;
	if (!flow)
		return NULL;
	flow->who = who;
	if (!parse_end(member_text(event, "peer"), &flow->tcp.ends[0], &flow->tcp.is_ipv6) ||
	    !parse_end(member_text(event, "local"), &flow->tcp.ends[1], &flow->tcp.is_ipv6)) {
		free(flow);
		return NULL;
	}
	DL_APPEND(capture->flows, flow);
	return flow;
}

static void write_handshake(struct capture *capture, const json_t *event, bool opens)
{
	uint8_t bytes[ISCSI_PCAPNG_HANDSHAKE_LEN];
	struct byte_writer out = byte_writer_over(bytes, sizeof(bytes));
	struct flow *flow = find_flow(capture, event, opens);
	uint64_t time_ns = (uint64_t)member_number(event, "time_ns");

	if (!flow)
		return;
	if (opens) {
		/* Of the number before the first byte that was foreseen. */
		flow->tcp.ends[0].sequence = flow->tcp.ends[1].sequence = 0;
		iscsi_pcapng_open(&out, &flow->tcp, time_ns);
	} else {
		iscsi_pcapng_close(&out, &flow->tcp, time_ns);
		DL_DELETE(capture->flows, flow);
		free(flow);
	}
	write_out(capture, &out);
}

/* ---- comments -------------------------------------------------------------------------------- */

static void comment_free(struct capture *capture, struct comment *comment)
{
	DL_DELETE(capture->comments, comment);
	capture->comment_count--;
	free(comment->text);
	free(comment);
}

static void keep_comment(struct capture *capture, const json_t *event)
{
	struct comment *comment = calloc(1, sizeof(*comment));

	if (!comment)
		return;
	comment->who = who_of(event);
	comment->has_tag = json_object_get(event, "tag") != NULL;
	comment->tag = member_number(event, "tag");
	snprintf(comment->initiator, sizeof(comment->initiator), "%s",
		 member_text(event, "initiator"));
	snprintf(comment->isid, sizeof(comment->isid), "%s", member_text(event, "isid"));
	if (asprintf(&comment->text, "%s: %s", member_text(event, "kind"),
		     member_text(event, "text")) < 0)
		comment->text = NULL;
	if (!comment->text) {
		free(comment);
		return;
	}
	DL_APPEND(capture->comments, comment);
	/* Of tasks whose answer never came. */
	if (++capture->comment_count > COMMENTS_MAX)
		comment_free(capture, capture->comments);
}

/* A PDU that carries the status of the task with this tag. */
static bool answers(const uint8_t *bhs, bool from_target, json_int_t tag)
{
	uint8_t opcode = bhs[0] & 0x3f;
	bool ends = opcode == ISCSI_SCSI_RESPONSE || opcode == ISCSI_TASK_MANAGEMENT_RESPONSE ||
		    opcode == ISCSI_REJECT || (opcode == ISCSI_DATA_IN && bhs[1] & 0x01);

	return from_target && ends && get_be32(bhs + 16) == (uint32_t)tag;
}

static bool belongs(const struct comment *comment, const json_t *event, const uint8_t *bhs,
		    bool from_target)
{
	if (!comment->has_tag)
		return comment->who == who_of(event);
	return answers(bhs, from_target, comment->tag) &&
	       strcmp(comment->initiator, member_text(event, "initiator")) == 0 &&
	       strcmp(comment->isid, member_text(event, "isid")) == 0;
}

/* All that is to be said about this PDU, and forgets it. */
static void take_comments(struct capture *capture, const json_t *event, const uint8_t *bhs,
			  bool from_target, char ret_text[ISCSI_PCAPNG_COMMENT_MAX])
{
	struct comment *comment, *next;
	size_t len = 0;

	ret_text[0] = '\0';
	DL_FOREACH_SAFE(capture->comments, comment, next)
	{
		if (!belongs(comment, event, bhs, from_target))
			continue;
		int n = snprintf(ret_text + len, ISCSI_PCAPNG_COMMENT_MAX - len, "%s%s",
				 len > 0 ? "; " : "", comment->text);
		if (n > 0)
			len += (size_t)n < ISCSI_PCAPNG_COMMENT_MAX - len
				       ? (size_t)n
				       : ISCSI_PCAPNG_COMMENT_MAX - len - 1;
		comment_free(capture, comment);
	}
}

/* ---- PDUs ------------------------------------------------------------------------------------ */

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 0x0f;
}

/* NULL: no memory, or no header. */
static uint8_t *pdu_bytes(const json_t *event, uint32_t *ret_len)
{
	const char *hex = member_text(event, "bytes");
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = len >= ISCSI_BHS_LEN ? malloc(len) : NULL;

	for (size_t i = 0; bytes && i < len; i++)
		bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	*ret_len = (uint32_t)len;
	return bytes;
}

static void write_pdu(struct capture *capture, const json_t *event)
{
	struct iscsi_pcapng_pdu pdu = {
		.time_ns = (uint64_t)member_number(event, "time_ns"),
		.from_target = member_is_true(event, "out"),
		.wire_len = (uint32_t)member_number(event, "wire_len"),
	};
	char comment[ISCSI_PCAPNG_COMMENT_MAX];
	uint8_t *bytes = pdu_bytes(event, &pdu.kept_len);
	struct flow *flow = find_flow(capture, event, true);
	uint8_t *memory = NULL;

	pdu.bytes = bytes;
	if (bytes && flow && (memory = malloc(iscsi_pcapng_pdu_max(&pdu))) != NULL) {
		struct byte_writer out = byte_writer_over(memory, iscsi_pcapng_pdu_max(&pdu));
		take_comments(capture, event, bytes, pdu.from_target, comment);
		pdu.comment = comment;
		iscsi_pcapng_pdu(&out, &flow->tcp, &pdu);
		write_out(capture, &out);
		capture->pdus++;
	}
	free(memory);
	free(bytes);
}

static void take_event(struct capture *capture, const json_t *event)
{
	const char *kind = member_text(event, "kind"), *text = member_text(event, "text");

	if (strcmp(kind, "pdu") == 0)
		write_pdu(capture, event);
	else if (strcmp(kind, "connection") == 0 && strncmp(text, "opened", 6) == 0)
		write_handshake(capture, event, true);
	else if (strcmp(kind, "connection") == 0 && strcmp(text, "closed") == 0)
		write_handshake(capture, event, false);
	else
		keep_comment(capture, event);
}

static bool take_line(void *context, const json_t *line)
{
	struct capture *capture = context;

	if (json_object_get(line, "following"))
		fprintf(stderr, "holdfast: capturing into %s; Ctrl-C ends it\n", capture->name);
	else if (json_object_get(line, "lost"))
		capture->lost += member_number(line, "lost");
	else
		take_event(capture, line);
	/* Whoever looks at the file meanwhile sees whole packets. */
	if (fflush(capture->file) != 0)
		capture->failed = true;
	return !capture->failed && (capture->pdus_max == 0 || capture->pdus < capture->pdus_max);
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Ctrl-C, or time is up: what has happened so far is still written. */
static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = stopped + 1;
}

static void stop_at(json_int_t seconds)
{
	struct sigaction action = {.sa_handler = on_stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	if (seconds > 0)
		alarm((unsigned)seconds);
}

static enum exit_status run(const struct arguments *arguments, json_t *request,
			    struct capture *capture)
{
	uint8_t begin[ISCSI_PCAPNG_BEGIN_LEN];
	struct byte_writer out = byte_writer_over(begin, sizeof(begin));

	iscsi_pcapng_begin(&out, "holdfast " HOLDFAST_VERSION);
	write_out(capture, &out);
	enum exit_status status =
		client_follow_until(arguments, request, take_line, capture, &stopped);
	if (fflush(capture->file) != 0 || capture->failed) {
		fprintf(stderr, "holdfast: %s: %s\n", arguments->words[0], strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}

static void tell(const struct capture *capture, const char *name)
{
	fprintf(stderr, "holdfast: %" JSON_INTEGER_FORMAT " PDU%s in %s\n", capture->pdus,
		TEXT_PLURAL(capture->pdus), name);
	if (capture->lost > 0)
		fprintf(stderr,
			"holdfast: %" JSON_INTEGER_FORMAT " event%s lost: they came faster than "
			"they could be written\n",
			capture->lost, TEXT_PLURAL(capture->lost));
}

static void capture_clear(struct capture *capture)
{
	struct flow *flow, *next;

	while (capture->comments)
		comment_free(capture, capture->comments);
	DL_FOREACH_SAFE(capture->flows, flow, next)
	free(flow);
}

enum exit_status command_capture(const struct arguments *arguments)
{
	json_t *request = json_pack("{s:s}", "command", "capture");
	struct capture capture = {.name = arguments->words[0]};
	json_int_t duration = 0, snap = 0;
	const char *name = capture.name;
	bool is_stdout = strcmp(name, "-") == 0;

	if ((arguments->duration &&
	     !parse_number(arguments->duration, "--duration", DURATION_MAX, &duration)) ||
	    (arguments->count &&
	     !parse_number(arguments->count, "--count", COUNT_MAX, &capture.pdus_max)) ||
	    (arguments->snap && !parse_number(arguments->snap, "--snap", INT32_MAX, &snap)) ||
	    !trace_request_filters(arguments, request)) {
		json_decref(request);
		return STATUS_USAGE;
	}
	if (arguments->snap)
		json_object_set_new(request, "snap", json_integer(snap));
	capture.file = is_stdout ? stdout : fopen(name, "we");
	if (!capture.file) {
		fprintf(stderr, "holdfast: %s: %s\n", name, strerror(errno));
		json_decref(request);
		return STATUS_FAILED;
	}
	stop_at(duration);
	enum exit_status status = run(arguments, request, &capture);
	if (!is_stdout)
		fclose(capture.file);
	if (status == STATUS_OK)
		tell(&capture, name);
	capture_clear(&capture);
	return status;
}
