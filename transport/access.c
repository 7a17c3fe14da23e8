#include "transport/access.h"

#include <string.h>

const struct iscsi_chap_account *iscsi_access_account(const struct iscsi_access *access,
						      const char *name)
{
	for (size_t i = 0; access && name && i < access->account_count; i++)
		if (strcmp(access->accounts[i].name, name) == 0)
			return &access->accounts[i];
	return NULL;
}

static const struct iscsi_access_initiator *find(const struct iscsi_access_target *access,
						 const char *initiator)
{
	for (size_t i = 0; access && i < access->initiator_count; i++)
		if (strcmp(access->initiators[i].name, initiator) == 0)
			return &access->initiators[i];
	return NULL;
}

bool iscsi_access_admits(const struct iscsi_access_target *access, const char *initiator)
{
	return !access || access->initiator_count == 0 || find(access, initiator);
}

const char *iscsi_access_user(const struct iscsi_access_target *access, const char *initiator)
{
	const struct iscsi_access_initiator *entry = find(access, initiator);

	if (entry && entry->user)
		return entry->user;
	return access ? access->user : NULL;
}

const struct scsi_lun_mask *iscsi_access_visible(const struct iscsi_access_target *access,
						 const char *initiator)
{
	const struct iscsi_access_initiator *entry = find(access, initiator);

	return entry && entry->masked ? &entry->visible : NULL;
}
