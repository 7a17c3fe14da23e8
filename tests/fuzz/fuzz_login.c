/*
 * A login of any requests, with and without CHAP. The input is one byte of setup, then requests:
 * byte 1 of the header, a byte that changes a header field now and then, the length of the text in
 * two bytes, the text.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

struct house {
	unsigned admits, judged;
	uint8_t setup;
	uint8_t random; /* the next byte: the seeds know the challenge */
};

static const struct iscsi_chap_account theirs = {
	.name = "alice", .secret = (const uint8_t *)"initiator-secret", .secret_len = 16};
static const struct iscsi_chap_account ours = {
	.name = "target", .secret = (const uint8_t *)"target-secret-99", .secret_len = 16};

static uint16_t judge(void *context, const struct iscsi_login *login,
		      struct iscsi_login_rules *ret_rules)
{
	struct house *house = context;

	require(++house->judged == 1);
	require(login->initiator_name[0] != '\0');
	if (house->setup & 0x10) {
		ret_rules->moved_to = "192.0.2.1:3260";
		return house->setup & 1 ? ISCSI_LOGIN_MOVED_TEMPORARILY : ISCSI_LOGIN_NOT_FOUND;
	}
	*ret_rules = (struct iscsi_login_rules){
		.target_alias = "alias",
		.must_authenticate = house->setup & 0x40,
		.ours = house->setup & 0x80 ? &ours : NULL,
	};
	return ISCSI_LOGIN_SUCCESS;
}

static const struct iscsi_chap_account *account(void *context, const struct iscsi_login *login,
						const char *user)
{
	const struct house *house = context;

	(void)login;
	require(house->setup & 0x40);
	return strcmp(user, theirs.name) == 0 ? &theirs : NULL;
}

static bool is_own_challenge(void *context, const uint8_t *challenge, size_t len)
{
	(void)context;
	return len > 0 && challenge[0] == 0xee;
}

static void fill_random(void *context, void *ret_bytes, size_t len)
{
	struct house *house = context;
	uint8_t *bytes = ret_bytes;

	for (size_t i = 0; i < len; i++)
		bytes[i] = house->random++;
}

/* What holds of every login that asks for admission. */
static uint16_t admit(void *context, const struct iscsi_login *login, uint16_t *ret_tsih)
{
	struct house *house = context;
	const struct iscsi_params *params = &login->params;

	require(++house->admits == 1);
	require(login->type == ISCSI_SESSION_DISCOVERY || login->target_name[0] != '\0');
	require(login->initiator_name[0] != '\0');
	require(!(house->setup & 0x40) || strcmp(login->user, theirs.name) == 0);
	require(params->first_burst_len <= params->max_burst_len);
	require(params->max_burst_len >= 512 && params->max_burst_len < 1u << 24);
	require(params->max_send_data_segment_len >= 512);
	require(params->max_outstanding_r2t >= 1 && params->max_connections >= 1);
	require(params->error_recovery_level == 0 || params->max_outstanding_r2t == 1);
	require(params->default_time2wait <= 3600 && params->default_time2retain <= 3600);
	if (house->setup & 0x20)
		return ISCSI_LOGIN_OUT_OF_RESOURCES;
	*ret_tsih = login->tsih > 0 ? login->tsih : 1;
	return ISCSI_LOGIN_SUCCESS;
}

static void sns(void *context, struct iscsi_sns *ret_sns)
{
	const struct house *house = context;

	require(house->admits == 1);
	*ret_sns = (struct iscsi_sns){.exp_cmd_sn = 1, .max_cmd_sn = 32};
}

static const struct iscsi_login_host host = {judge,	  account, is_own_challenge,
					     fill_random, admit,   sns};

static void check_response(const uint8_t *request, enum iscsi_login_result result,
			   const uint8_t *bhs, uint32_t text_len)
{
	struct iscsi_login_response response;

	iscsi_login_response_decode(bhs, &response);
	require(text_len <= ISCSI_LOGIN_DATA_MAX && get_be24(bhs + 5) == text_len);
	require(!response.transit || (request[1] & 0x80));
	require(!(response.transit && response.cont));
	require((result == ISCSI_LOGIN_CLOSE) == (response.status != 0));
	require(result != ISCSI_LOGIN_COMPLETE || (response.transit && response.tsih != 0));
	/* A refusal says no more than where to go instead. */
	require(response.status >> 8 < 2 || text_len == 0);
}

static void make_header(const uint8_t *record, uint8_t *bhs)
{
	memset(bhs, 0, ISCSI_BHS_LEN);
	bhs[0] = 0x43;
	bhs[1] = record[0];
	bhs[19] = 1;
	/* Mostly nothing: a header that changes ends the login. */
	if (record[1] & 0x80)
		bhs[record[1] % ISCSI_BHS_LEN] ^= record[1] & 0x40 ? 0x01 : 0xff;
}

static void run(struct iscsi_login *login, const uint8_t *data, size_t size)
{
	struct byte_reader reader = byte_reader_over(data, size);
	uint8_t bhs[ISCSI_BHS_LEN], response[ISCSI_BHS_LEN];
	enum iscsi_login_result result = ISCSI_LOGIN_GO_ON;
	bool over = false;

	while (byte_reader_left(&reader) >= 4) {
		const uint8_t *record = byte_reader_take(&reader, 2);
		size_t len = byte_reader_be16(&reader);
		const uint8_t *text, *answer;
		bool has_response;
		uint32_t answer_len;

		if (len > byte_reader_left(&reader))
			len = byte_reader_left(&reader);
		text = byte_reader_take(&reader, len);
		make_header(record, bhs);
		result = iscsi_login_request(login, bhs, text, (uint32_t)len, &has_response,
					     response, &answer, &answer_len);
		require(!over || (result == ISCSI_LOGIN_CLOSE && !has_response));
		require(has_response || result == ISCSI_LOGIN_CLOSE);
		if (has_response)
			check_response(bhs, result, response, answer_len);
		over = result != ISCSI_LOGIN_GO_ON;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iscsi_limits limits = {.login_pdus_max = 20, .login_text_max = 16384};
	struct iscsi_policy policy;
	struct iscsi_login login;
	struct house house = {0};

	if (size < 1)
		return 0;
	house.setup = data[0];
	iscsi_policy_defaults(&policy);
	policy.strict = data[0] & 1;
	policy.error_recovery_level = data[0] & 2;
	policy.initial_r2t = data[0] & 4;
	policy.immediate_data = data[0] & 8;
	if (!iscsi_login_init(&login, &policy, &limits, 1, &host, &house, 1))
		return 0;
	run(&login, data + 1, size - 1);
	iscsi_login_finish(&login);
	return 0;
}
