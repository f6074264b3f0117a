/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef COMPARE_H
#define COMPARE_H

/*
 * Compares the results of two runs.
 */

#include <stdio.h>

/* A run, and another one. */
#define N_COMPARED 2

/*
 * Compare two files of JSON that this program wrote. Medians agree if neither
 * is larger than the other by more than this percentage. What is wrong with
 * the files is told on stderr. Returns 0 or a negative errno.
 */
int
compare_files(FILE *f, const char * const paths[N_COMPARED],
	unsigned int tolerance);

#endif /* COMPARE_H */
