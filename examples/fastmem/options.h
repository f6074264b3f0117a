/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

#define OPTIONS_MAX_ALLOCATORS 3

struct options {
	const struct state_ops *allocators[OPTIONS_MAX_ALLOCATORS];
	unsigned int n_allocators;
	uint64_t packets; /* of each port, in each run; 0: no end */
	uint32_t max_flows; /* of each worker */
	uint32_t mbufs; /* of each port */
	uint32_t tick; /* packets */
	uint64_t replay; /* packets; 0: none */
	uint32_t rounds;
	bool help;
};

void
options_print_help(const char *program);

/* Parse the application's own arguments. Returns 0, or -1 when something is
 * wrong with them, which was printed.
 */
int
options_parse(struct options *options, int argc, char **argv);

#endif /* OPTIONS_H */
