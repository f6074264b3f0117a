/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef QUIET_H
#define QUIET_H

/*
 * Keeps measurements out of the times in which something else slows the CPUs
 * down: a neighbor on the other thread of a core, which may be in another
 * virtual machine, or a lower frequency.
 */

#include <stdbool.h>
#include <stdint.h>

/* Find out how fast the lcores are. */
void
quiet_start(void);

/*
 * Wait until nothing slows the main lcore down, or any, as long as the run may
 * become longer for that. Returns whether it is so, or cannot be told.
 */
bool
quiet_wait(bool all_lcores);

/*
 * Whether a measurement that took some cycles is to be made once more, since it
 * was disturbed and the run may become longer for that. Otherwise, it counts.
 */
bool
quiet_again(bool all_lcores, bool was_quiet, uint64_t elapsed);

/* How many measurements were made once more. */
unsigned int
quiet_count(void);

#endif /* QUIET_H */
