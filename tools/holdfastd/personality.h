/*
 * The personalities of the configuration as what LUNs take: profiles and overrides.
 */
#ifndef TOOLS_HOLDFASTD_PERSONALITY_H
#define TOOLS_HOLDFASTD_PERSONALITY_H

#include "config/config.h"
#include "pr_engine/profile.h"
#include "target/target.h"

struct personality {
	struct pr_profile profile; /* its name is the configuration's */
	struct scsi_override *overrides;
	uint32_t override_count;
};

struct personalities;

/*
 * All of them, built in or not. They borrow names from `config`. NULL after what is wrong has been
 * reported, one line each.
 */
struct personalities *personalities_create(const struct config *config, config_report report,
					   void *context);
void personalities_free(struct personalities **personalities);

/* NULL: none has that name. */
const struct personality *personalities_find(const struct personalities *personalities,
					     const char *name);

#endif
