#include "transport/discovery.h"

#include <stdio.h>
#include <string.h>

#include "pr_engine/types.h"

enum iscsi_send_targets iscsi_send_targets_parse(const void *text, size_t len, char *ret_name)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value, *asked = NULL;
	bool bad = false;

	ret_name[0] = '\0';
	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad))
		if (strcmp(key, "SendTargets") == 0)
			asked = value;
	if (bad)
		return ISCSI_SEND_TARGETS_INVALID;
	if (!asked)
		return ISCSI_SEND_TARGETS_ABSENT;
	if (reader.pairs > 1)
		return ISCSI_SEND_TARGETS_INVALID;
	if (asked[0] == '\0')
		return ISCSI_SEND_TARGETS_OWN;
	if (strcmp(asked, "All") == 0)
		return ISCSI_SEND_TARGETS_ALL;
	return iscsi_name_canonical(asked, ret_name) ? ISCSI_SEND_TARGETS_NAMED
						     : ISCSI_SEND_TARGETS_INVALID;
}

/* An address of the caller's taken apart: host without brackets and zone, and port. */
struct host_port {
	const char *host, *port;
	int host_len;
	bool ipv6;
};

static struct host_port split_address(const char *address)
{
	struct host_port found = {.host = address, .port = ISCSI_DEFAULT_PORT};
	const char *colon = strchr(address, ':');
	size_t whole = strlen(address);

	if (address[0] == '[') {
		found.ipv6 = true;
		found.host++;
		whole = strcspn(found.host, "]");
		const char *behind = found.host + whole;
		if (behind[0] == ']' && behind[1] == ':')
			found.port = behind + 2;
	} else if (colon && strchr(colon + 1, ':')) {
		found.ipv6 = true; /* two colons and no brackets: all of it is the host */
	} else if (colon) {
		whole = (size_t)(colon - address);
		found.port = colon + 1;
	}
	size_t host_len = found.ipv6 ? strcspn(found.host, "%]") : whole;
	found.host_len = (int)(host_len < whole ? host_len : whole);
	return found;
}

static void add_address(struct iscsi_text *text, const struct iscsi_discovery_address *address)
{
	struct host_port at = split_address(address->address);
	char value[256]; /* a simple value has at most 255 bytes (RFC 7143 6.1) */

	int n = snprintf(value, sizeof(value), "%s%.*s%s:%s,%u", at.ipv6 ? "[" : "", at.host_len,
			 at.host, at.ipv6 ? "]" : "", at.port, address->portal_group_tag);
	if (n < 0 || (size_t)n >= sizeof(value)) {
		text->failed = true;
		return;
	}
	iscsi_text_add(text, "TargetAddress", value);
}

void iscsi_discovery_add_target(struct iscsi_text *text,
				const struct iscsi_discovery_target *target)
{
	iscsi_text_add(text, "TargetName", target->name);
	for (size_t i = 0; i < target->address_count; i++)
		add_address(text, &target->addresses[i]);
}

size_t iscsi_text_piece(const char *text, size_t len, size_t max, bool *ret_pair_cut)
{
	size_t piece = len < max ? len : max;

	*ret_pair_cut = piece > 0 && piece < len && text[piece - 1] != '\0';
	return piece;
}
