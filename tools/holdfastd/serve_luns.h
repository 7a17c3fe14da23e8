/*
 * Targets and LUNs from the configuration: backing, journal, identity.
 */
#ifndef TOOLS_HOLDFASTD_SERVE_LUNS_H
#define TOOLS_HOLDFASTD_SERVE_LUNS_H

#include "tools/holdfastd/service.h"

/* Fills service->targets and gives them to the node. False after the log has been told why. */
bool serve_targets(struct service *service);

#define SERVE_WHY_MAX 2048 /* characters */

/* One LUN more for a target that serves. False: it is not, and `ret_why` says why. */
bool serve_one_lun(struct service *service, uint32_t target_index, const struct config_lun *lun,
		   char ret_why[SERVE_WHY_MAX]);

#endif
