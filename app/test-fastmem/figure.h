/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FIGURE_H
#define FIGURE_H

/*
 * A figure, as it is told in all forms of output: what it is about, and what
 * was measured.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench.h"

/* Above this, a figure is marked as doubtful. */
#define MAX_SPREAD 0.10

/* Significant digits of numbers in files for other programs. */
#define FIGURE_DIGITS 6

struct figure {
	const char *scenario;
	const char *metric;
	const char *allocator;
	const char *caller;
	/* The same, but in mixed scenarios. */
	size_t min_size;
	size_t max_size;
	const char *unit;
	unsigned int rounds;
	double median;
	double best;
	double spread;
	bool unstable;
	/* Less than 0 if there is none. */
	double net;
	/* 0 if there is not what they refer to. */
	double ratio;
	double caller_ratio;
};

/* What is written for a field, and the type of its member. */
enum field_type {
	/* const char * */
	FIELD_TEXT,
	/* The first of two size_t. */
	FIELD_SIZES,
	/* unsigned int */
	FIELD_COUNT,
	/* double */
	FIELD_NUMBER,
	/* double, and nothing for 0 */
	FIELD_RATIO,
	/* double, and nothing for less than 0 */
	FIELD_NET,
	/* bool */
	FIELD_FLAG,
};

struct figure_field {
	const char *name;
	enum field_type type;
	size_t offset;
};

/* All fields of files for other programs, ended by a name of NULL. */
extern const struct figure_field figure_fields[];

/* Where a field is. */
static inline const void *
figure_member(const struct figure *figure, const struct figure_field *field)
{
	return (const char *)figure + field->offset;
}

/* What a metric's figures count. */
const char *
figure_unit(const struct scenario *scenario, unsigned int metric);

/* The metric of a result that was not skipped. */
void
figure_get(const struct results *results, const struct result *result,
	unsigned int metric, struct figure *figure);

/*
 * What a figure is about but for its size: short, and not to be confused with
 * another one. Returns the number of characters.
 */
size_t
figure_name(char *buf, size_t len, const char *scenario, const char *metric,
	const char *allocator, const char *caller);

/* The size of objects, 0 for those of mixed scenarios. */
const char *
figure_format_size(char *buf, size_t len, size_t size);

/* With three digits, or as many as there are before the point. */
const char *
figure_format(char *buf, size_t len, const char *prefix, double number,
	unsigned int decimals);

/* Names in a row, broken into lines of a terminal. */
struct name_list {
	FILE *f;
	unsigned int n;
	/* Characters in the last line. */
	unsigned int width;
};

/* The line that the list continues has this many characters. */
void
name_list_begin(struct name_list *list, FILE *f, unsigned int width);

void
name_list_add(struct name_list *list, const char *name);

void
name_list_end(struct name_list *list);

#endif /* FIGURE_H */
