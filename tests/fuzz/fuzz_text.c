/*
 * Any bytes as a logical text: the tokenizer, numbers, names, SendTargets, and a Text negotiation
 * of full feature phase.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/types.h"
#include "transport/discovery.h"
#include "transport/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

static bool is_well_formed(const void *text, size_t len)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad)) {
		require(strlen(key) > 0 && strlen(key) <= ISCSI_KEY_MAX);
		require(value + strlen(value) < (const char *)text + len);
	}
	return !bad;
}

/* Canonical names are names, and their own canonical form. */
static void try_name(const char *value)
{
	char canonical[PR_INITIATOR_NAME_MAX + 1], again[PR_INITIATOR_NAME_MAX + 1];

	if (!iscsi_name_canonical(value, canonical))
		return;
	require(strlen(canonical) == strlen(value));
	require(iscsi_name_canonical(canonical, again));
	require(strcmp(canonical, again) == 0);
}

/* A number agrees with the C library's. */
static void try_number(const char *value)
{
	uint64_t number;

	if (iscsi_text_number(value, &number))
		require(strtoull(value, NULL, 0) == number);
}

static void try_values(const void *text, size_t len)
{
	struct iscsi_text_reader reader;
	char key[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, text, len);
	while (iscsi_text_next(&reader, key, &value, &bad)) {
		struct iscsi_discovery_address address = {value, 1};
		struct iscsi_discovery_target target = {"iqn.2001-04.com.example", &address, 1};
		struct iscsi_text answer;
		try_name(value);
		try_number(value);
		iscsi_text_init(&answer, 8192);
		iscsi_discovery_add_target(&answer, &target);
		iscsi_text_free(&answer);
	}
}

static void try_full_feature(const void *text, size_t len)
{
	struct iscsi_params params, before;
	struct iscsi_text answer;

	iscsi_params_defaults(&params);
	before = params;
	iscsi_text_init(&answer, 8192);
	if (iscsi_negotiate_full_feature(&params, text, len, &answer)) {
		require(is_well_formed(text, len));
		require(is_well_formed(answer.data, answer.len));
		require(params.max_send_data_segment_len >= 512);
		before.max_send_data_segment_len = params.max_send_data_segment_len;
	} else {
		require(answer.len == 0 && !answer.failed);
	}
	require(memcmp(&before, &params, sizeof(params)) == 0);
	iscsi_text_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[PR_INITIATOR_NAME_MAX + 1];

	is_well_formed(data, size);
	try_values(data, size);
	if (iscsi_send_targets_parse(data, size, name) == ISCSI_SEND_TARGETS_NAMED)
		require(name[0] != '\0');
	try_full_feature(data, size);
	return 0;
}
