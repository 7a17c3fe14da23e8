#include "tests/unit/transport/login_script.h"

#include <stdlib.h>
#include <string.h>

static uint16_t judge(void *context, const struct iscsi_login *login,
		      struct iscsi_login_rules *ret_rules)
{
	struct login_script *script = context;

	script->finds++;
	strcpy(script->found_name, login->target_name);
	strcpy(script->found_initiator, login->initiator_name);
	*ret_rules = script->rules;
	return script->find_status;
}

static const struct iscsi_chap_account *account(void *context, const struct iscsi_login *login,
						const char *user)
{
	struct login_script *script = context;

	(void)login;
	return script->account.name && strcmp(script->account.name, user) == 0 ? &script->account
									       : NULL;
}

static bool is_own_challenge(void *context, const uint8_t *challenge, size_t len)
{
	const struct login_script *script = context;

	return len > 0 && len == script->other_challenge_len &&
	       memcmp(challenge, script->other_challenge, len) == 0;
}

static void fill_random(void *context, void *ret_bytes, size_t len)
{
	struct login_script *script = context;
	uint8_t *bytes = ret_bytes;

	for (size_t i = 0; i < len; i++)
		bytes[i] = script->random++;
}

static uint16_t admit(void *context, const struct iscsi_login *login, uint16_t *ret_tsih)
{
	struct login_script *script = context;

	(void)login;
	script->admits++;
	if (script->admit_status == ISCSI_LOGIN_SUCCESS)
		*ret_tsih = script->admit_tsih;
	return script->admit_status;
}

static void sns(void *context, struct iscsi_sns *ret_sns)
{
	const struct login_script *script = context;

	*ret_sns = script->admitted_sns;
}

static const struct iscsi_login_host host = {judge,	  account, is_own_challenge,
					     fill_random, admit,   sns};

void login_script_init(struct login_script *script)
{
	*script = (struct login_script){
		.limits = {.login_pdus_max = 32, .login_text_max = 32768},
		.portal_group_tag = 7,
		.stat_sn = 1000,
		.admit_tsih = 0x4711,
		.admitted_sns = {.exp_cmd_sn = 50, .max_cmd_sn = 113},
		.request = {.isid = {0x80, 1, 2, 3, 4, 5}, .itt = 9, .cid = 3, .cmd_sn = 50},
	};
	iscsi_policy_defaults(&script->policy);
}

void login_script_begin(struct login_script *script)
{
	if (!iscsi_login_init(&script->login, &script->policy, &script->limits,
			      script->portal_group_tag, &host, script, script->stat_sn))
		abort();
}

void login_script_end(struct login_script *script)
{
	iscsi_login_finish(&script->login);
}

enum iscsi_login_result login_script_send(struct login_script *script, unsigned flags,
					  const void *text, size_t len)
{
	struct iscsi_login_request *request = &script->request;
	uint8_t bhs[ISCSI_BHS_LEN], response[ISCSI_BHS_LEN];
	const uint8_t *answer;

	request->transit = (flags & LOGIN_T) != 0;
	request->cont = (flags & LOGIN_C) != 0;
	request->csg = flags >> 2 & 3;
	request->nsg = flags & 3;
	iscsi_login_request_encode(request, bhs);
	iscsi_bhs_set_lengths(bhs, (uint32_t)len);
	/* A copy of exactly that size, for the sanitizer to watch. */
	uint8_t *data = malloc(len > 0 ? len : 1);
	if (!data)
		abort();
	memcpy(data, text, len);
	script->result =
		iscsi_login_request(&script->login, bhs, data, (uint32_t)len, &script->has_response,
				    response, &answer, &script->text_len);
	free(data);
	if (script->has_response) {
		struct iscsi_bhs header;
		iscsi_bhs_decode(response, &header);
		if (header.opcode != ISCSI_LOGIN_RESPONSE || header.data_len != script->text_len ||
		    script->text_len > sizeof(script->text))
			abort();
		iscsi_login_response_decode(response, &script->response);
	}
	memcpy(script->text, answer, script->text_len);
	request->exp_stat_sn = script->response.sns.stat_sn + 1;
	return script->result;
}

const char *login_script_answer(const struct login_script *script, const char *key)
{
	struct iscsi_text_reader reader;
	char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, script->text, script->text_len);
	while (iscsi_text_next(&reader, name, &value, &bad))
		if (strcmp(name, key) == 0)
			return value;
	return NULL;
}

unsigned login_script_answer_count(const struct login_script *script)
{
	struct iscsi_text_reader reader;
	char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, script->text, script->text_len);
	while (iscsi_text_next(&reader, name, &value, &bad))
		;
	return reader.pairs;
}
