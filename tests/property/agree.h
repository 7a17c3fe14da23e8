/* Comparing what the target did with what the model says. */
#ifndef TESTS_PROPERTY_AGREE_H
#define TESTS_PROPERTY_AGREE_H

#include "tests/property/bench.h"

#define WORDS_MAX 512

/* Puts into words, WORDS_MAX bytes, what disagrees. Always false. */
bool differ(char *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each is false, with words, when the target did something else. */
bool state_agrees(const struct model *m, const struct scsi_lun *lun, char *words);
bool answer_agrees(const struct model_answer *a, const struct bench_task *t, char *words);

/*
 * The open commands that a PREEMPT AND ABORT ended, those that it left alone, and whether it was
 * answered only when the disk had let go of them (`drained`).
 */
bool aborts_agree(const struct model_answer *a, const struct model *after,
		  const struct bench *bench, unsigned caller, bool drained, char *words);

#endif
