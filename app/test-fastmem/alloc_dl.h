/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef ALLOC_DL_H
#define ALLOC_DL_H

#include "allocator.h"

/*
 * Load the libraries of those of the chosen allocators that have one, before
 * there is another thread. If that takes a setting which the C library reads
 * when a program starts, the program is started anew with it, once, by exec,
 * with the arguments that it was given. Otherwise, and whenever something
 * fails, returns: what cannot be loaded is missing.
 */
void
dl_prepare(const struct allocator * const *chosen, unsigned int n, char **argv);

#endif /* ALLOC_DL_H */
