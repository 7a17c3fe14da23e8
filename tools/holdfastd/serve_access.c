#include "tools/holdfastd/serve_access.h"

#include <stdlib.h>

#include "config/secrets.h"

#define SECRET_LEN_GOOD 12 /* bytes: 96 bits (RFC 7143 9.2.1) */

struct service_access {
	struct iscsi_access node;
	struct iscsi_chap_account *accounts;
	struct iscsi_access_target *targets;
	struct iscsi_access_initiator **lists; /* one for each target, or NULL in its place */
	uint32_t target_count;
};

/* The configuration has "" where the node has nothing. */
static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static bool fill_accounts(struct service_access *access, const struct config_secrets *secrets)
{
	if (!secrets || secrets->count == 0)
		return true;
	access->accounts = calloc(secrets->count, sizeof(*access->accounts));
	if (!access->accounts)
		return false;
	for (uint32_t i = 0; i < secrets->count; i++)
		access->accounts[i] = (struct iscsi_chap_account){
			.name = secrets->accounts[i].name,
			.secret = secrets->accounts[i].secret,
			.secret_len = secrets->accounts[i].secret_len,
		};
	access->node.accounts = access->accounts;
	access->node.account_count = secrets->count;
	return true;
}

static void fill_initiator(const struct config_initiator *from, struct iscsi_access_initiator *to)
{
	to->name = from->name;
	to->user = or_null(from->user);
	to->masked = from->masked;
	for (uint16_t number = 0; number < CONFIG_LUNS_MAX; number++)
		if (from->luns[number / 8] >> (number % 8) & 1)
			scsi_lun_mask_add(&to->visible, number);
}

static bool fill_target(const struct config_target *from, struct iscsi_access_target *to,
			struct iscsi_access_initiator **ret_list)
{
	to->user = or_null(from->user);
	to->mutual = or_null(from->mutual);
	to->moved_to = or_null(from->moved_to);
	to->moved_for_good = from->moved_permanently;
	if (from->initiator_count == 0)
		return true;
	struct iscsi_access_initiator *initiators =
		calloc(from->initiator_count, sizeof(*initiators));
	if (!initiators)
		return false;
	for (uint32_t i = 0; i < from->initiator_count; i++)
		fill_initiator(&from->initiators[i], &initiators[i]);
	*ret_list = initiators;
	to->initiators = initiators;
	to->initiator_count = from->initiator_count;
	return true;
}

struct service_access *service_access_create(const struct config *config)
{
	struct service_access *access = calloc(1, sizeof(*access));

	if (!access)
		return NULL;
	access->node.discovery_user = or_null(config->discovery_user);
	access->node.discovery_mutual = or_null(config->discovery_mutual);
	access->target_count = config->target_count;
	access->targets = calloc(config->target_count, sizeof(*access->targets));
	access->lists = calloc(config->target_count, sizeof(struct iscsi_access_initiator *));
	bool sound = access->targets && access->lists && fill_accounts(access, config->secrets);
	for (uint32_t i = 0; sound && i < config->target_count; i++)
		sound = fill_target(&config->targets[i], &access->targets[i], &access->lists[i]);
	if (!sound)
		service_access_free(&access);
	return access;
}

void service_access_free(struct service_access **access)
{
	struct service_access *a = *access;

	*access = NULL;
	if (!a)
		return;
	for (uint32_t i = 0; a->lists && i < a->target_count; i++)
		free(a->lists[i]);
	free(a->lists);
	free(a->targets);
	free(a->accounts);
	free(a);
}

const struct iscsi_access *service_access_node(const struct service_access *access)
{
	return &access->node;
}

const struct iscsi_access_target *service_access_target(const struct service_access *access,
							uint32_t index)
{
	return &access->targets[index];
}

void service_access_warn(const struct config *config, struct log *log)
{
	for (uint32_t i = 0; config->secrets && i < config->secrets->count; i++) {
		const struct config_account *account = &config->secrets->accounts[i];
		if (account->secret_len < SECRET_LEN_GOOD)
			log_line(log, LOG_LEVEL_WARNING,
				 "%s, line %u: the secret of \"%s\" is shorter than %d bytes: it "
				 "can be guessed from one login that somebody listened to",
				 config->secrets_path, account->line, account->name,
				 SECRET_LEN_GOOD);
	}
}
