/*
 * Users, secrets and access lists of the configuration as the node takes them.
 */
#ifndef TOOLS_HOLDFASTD_SERVE_ACCESS_H
#define TOOLS_HOLDFASTD_SERVE_ACCESS_H

#include "config/config.h"
#include "tools/holdfastd/log.h"
#include "transport/access.h"

struct service_access;

/* Borrows names and secrets from the configuration. NULL: no memory. */
struct service_access *service_access_create(const struct config *config);
void service_access_free(struct service_access **access);

const struct iscsi_access *service_access_node(const struct service_access *access);
const struct iscsi_access_target *service_access_target(const struct service_access *access,
							uint32_t index);

/* Secrets that are shorter than they should be. */
void service_access_warn(const struct config *config, struct log *log);

#endif
