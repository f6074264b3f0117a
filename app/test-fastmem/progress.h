/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * A line on the terminal that tells how far the run is. There is none unless
 * both the tables and the errors go to a terminal.
 */

#include <stddef.h>

#include "options.h"
#include "scenario.h"

/* Before the first measurement of a run. */
void
progress_start(const struct options *opts);

/* A scenario and a size (0 if it is mixed) are measured from now on. */
void
progress_begin(const struct scenario *scenario, size_t size);

/* A round begins, the first one being 0. */
void
progress_round(unsigned int round, unsigned int n_rounds);

/* Something else is about to be written, if only for now. */
void
progress_erase(void);

#endif /* PROGRESS_H */
