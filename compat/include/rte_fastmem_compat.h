/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_COMPAT_H
#define RTE_FASTMEM_COMPAT_H

/*
 * What the public headers of the library need and releases of DPDK before
 * 25.11 lack. Installed with them, unlike the rest of the folder.
 */

#include <rte_common.h>

#ifndef __rte_alloc_size
#define __rte_alloc_size(...)
#endif

#ifndef __rte_alloc_align
#ifdef RTE_CC_GCC
#define __rte_alloc_align(argno) __attribute__((alloc_align(argno)))
#else
#define __rte_alloc_align(argno)
#endif
#endif

#ifndef __rte_malloc
#define __rte_malloc __attribute__((__malloc__))
#endif

/* gcc knows malloc with a deallocator since 11; clang ignores it. */
#ifndef __rte_dealloc
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define __rte_dealloc(dealloc, argno) __attribute__((malloc(dealloc, argno)))
#else
#define __rte_dealloc(dealloc, argno)
#endif
#endif

#endif /* RTE_FASTMEM_COMPAT_H */
