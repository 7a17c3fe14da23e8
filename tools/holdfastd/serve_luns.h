/*
 * Targets and LUNs from the configuration: backing, journal, identity.
 */
#ifndef TOOLS_HOLDFASTD_SERVE_LUNS_H
#define TOOLS_HOLDFASTD_SERVE_LUNS_H

#include "tools/holdfastd/service.h"

/* Fills service->targets and gives them to the node. False after the log has been told why. */
bool serve_targets(struct service *service);

#endif
