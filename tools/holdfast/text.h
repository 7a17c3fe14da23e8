/*
 * Values as a person reads them, and JSON members with their defaults.
 */
#ifndef TOOLS_HOLDFAST_TEXT_H
#define TOOLS_HOLDFAST_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TEXT_TIME_MAX 32
#define TEXT_SIZE_MAX 32

/* "2026-11-21 04:44:12Z"; "-" for 0. */
void text_time(uint64_t time_ms, char ret_text[TEXT_TIME_MAX]);
/* "1.5 GiB". */
void text_size(uint64_t bytes, char ret_text[TEXT_SIZE_MAX]);
/* "3 d 4 h", "12 min 3 s". */
void text_duration(uint64_t duration_ms, char ret_text[TEXT_TIME_MAX]);

/* Columns that `text` takes: its characters, not its bytes. */
int text_width(const char *text);

/* Members of a reply; "" and 0 when they are not there. */
const char *member_text(const json_t *object, const char *name);
json_int_t member_number(const json_t *object, const char *name);
uint64_t member_time(const json_t *object, const char *name);
int member_is_true(const json_t *object, const char *name);

/* An operand; false when it is no number of 0 to `max`, and the person has been told. */
bool parse_number(const char *text, const char *what, long max, json_int_t *ret_number);

/* `n` followed by a word, with an s unless n is 1. */
#define TEXT_PLURAL(n) ((n) == 1 ? "" : "s")

/* A reply for scripts. */
void print_json(const json_t *object);

#endif
