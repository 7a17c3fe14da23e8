/*
 * The catalogue's groups, each in the file of its topic. For transport/checks*.c only.
 */
#ifndef TRANSPORT_CHECKS_INTERNAL_H
#define TRANSPORT_CHECKS_INTERNAL_H

#include <assert.h>

#include "transport/checks.h"

enum {
	ISCSI_CHECKS_P1 = 13,
	ISCSI_CHECKS_P2 = 17,
	ISCSI_CHECKS_P3 = 23,
	ISCSI_CHECKS_P4 = 11,
	ISCSI_CHECKS_P5 = 10,
	ISCSI_CHECKS_P6 = 16,
	ISCSI_CHECKS_P7 = 25,
	ISCSI_CHECKS_P8 = 5,
	ISCSI_CHECKS_A1 = 37,
	ISCSI_CHECKS_A2 = 27,
	ISCSI_CHECKS_A3 = 25,
	ISCSI_CHECKS_A4 = 15,
	ISCSI_CHECKS_A5 = 41,
	ISCSI_CHECKS_A6 = 18,
	ISCSI_CHECKS_A7 = 34,
	ISCSI_CHECKS_A8 = 16,
	ISCSI_CHECKS_A9 = 12,
	ISCSI_CHECKS_A10 = 26,
	ISCSI_CHECKS_A11 = 51,
	ISCSI_CHECKS_A12 = 40,
};

extern const struct iscsi_check iscsi_checks_p1[ISCSI_CHECKS_P1];
extern const struct iscsi_check iscsi_checks_p2[ISCSI_CHECKS_P2];
extern const struct iscsi_check iscsi_checks_p3[ISCSI_CHECKS_P3];
extern const struct iscsi_check iscsi_checks_p4[ISCSI_CHECKS_P4];
extern const struct iscsi_check iscsi_checks_p5[ISCSI_CHECKS_P5];
extern const struct iscsi_check iscsi_checks_p6[ISCSI_CHECKS_P6];
extern const struct iscsi_check iscsi_checks_p7[ISCSI_CHECKS_P7];
extern const struct iscsi_check iscsi_checks_p8[ISCSI_CHECKS_P8];
extern const struct iscsi_check iscsi_checks_a1[ISCSI_CHECKS_A1];
extern const struct iscsi_check iscsi_checks_a2[ISCSI_CHECKS_A2];
extern const struct iscsi_check iscsi_checks_a3[ISCSI_CHECKS_A3];
extern const struct iscsi_check iscsi_checks_a4[ISCSI_CHECKS_A4];
extern const struct iscsi_check iscsi_checks_a5[ISCSI_CHECKS_A5];
extern const struct iscsi_check iscsi_checks_a6[ISCSI_CHECKS_A6];
extern const struct iscsi_check iscsi_checks_a7[ISCSI_CHECKS_A7];
extern const struct iscsi_check iscsi_checks_a8[ISCSI_CHECKS_A8];
extern const struct iscsi_check iscsi_checks_a9[ISCSI_CHECKS_A9];
extern const struct iscsi_check iscsi_checks_a10[ISCSI_CHECKS_A10];
extern const struct iscsi_check iscsi_checks_a11[ISCSI_CHECKS_A11];
extern const struct iscsi_check iscsi_checks_a12[ISCSI_CHECKS_A12];

#endif
