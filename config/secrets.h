/*
 * The secrets file: CHAP names and their secrets, apart from the configuration so that the latter
 * can be shown to anybody.
 *
 * A line is NAME SECRET, parted by blanks; what follows # at the start of a line is a comment. A
 * secret is a word, text in double quotes, or bytes as 0x (hexadecimal) or 0b (base64).
 *
 * The file, and everything made of it, is in one piece of memory that is left out of core dumps,
 * locked where the system allows it, and wiped before it is given back. No report shows a secret.
 */
#ifndef CONFIG_SECRETS_H
#define CONFIG_SECRETS_H

#include <stddef.h>

#include "config/config.h"

#define CONFIG_ACCOUNTS_MAX	1024
#define CONFIG_ACCOUNT_NAME_MAX 255  /* bytes of a CHAP name (RFC 7143 12.1.4) */
#define CONFIG_SECRET_MAX	1024 /* bytes of a secret */
#define CONFIG_SECRETS_FILE_MAX (1u << 20)

struct config_account {
	const char *name;
	const uint8_t *secret;
	size_t secret_len; /* bytes */
	uint32_t line;
};

struct config_secrets {
	const struct config_account *accounts;
	uint32_t count;
};

/*
 * The file must be a regular one of the process' user (or of root), which nobody else may read or
 * write. NULL after everything that is wrong with it has been reported, with its lines.
 */
struct config_secrets *config_secrets_load(const char *path, config_report report, void *context);
void config_secrets_free(struct config_secrets **secrets);

/* NULL: there is none of that name. `secrets` may be NULL. */
const struct config_account *config_secrets_find(const struct config_secrets *secrets,
						 const char *name);

#endif
