/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_COMMON_H
#define FASTMEM_COMPAT_RTE_COMMON_H

/* As in DPDK's header since 23.11: both are keywords of C++ and of C23. */
#ifndef __cplusplus
#include <assert.h>
#include <stdalign.h>
#endif

#include_next <rte_common.h>

/*
 * Headers that were configured for gcc ask for its version by any compiler,
 * which is an undefined name to clang.
 */
#ifndef GCC_VERSION
#define GCC_VERSION 0
#endif

#include <rte_fastmem_compat.h>

#ifndef RTE_CACHE_GUARD_LINES
#define RTE_CACHE_GUARD_LINES 1
#endif

#ifndef RTE_CACHE_GUARD
#define FASTMEM_CACHE_GUARD(line) \
	char RTE_CONCAT(cache_guard_, line)[RTE_CACHE_LINE_SIZE * RTE_CACHE_GUARD_LINES] \
		__rte_cache_aligned
#define RTE_CACHE_GUARD FASTMEM_CACHE_GUARD(__LINE__)
#endif

#ifndef RTE_CONCAT
#define FASTMEM_CONCAT(a, b) a ## b
#define RTE_CONCAT(a, b) FASTMEM_CONCAT(a, b)
#endif

#ifndef RTE_MIN_T
#define RTE_MIN_T(a, b, t) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#endif

#ifndef RTE_MAX_T
#define RTE_MAX_T(a, b, t) ((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#endif

#ifndef RTE_PTR_UNQUAL
#define RTE_PTR_UNQUAL(x) ((void *)(uintptr_t)(x))
#endif

#ifndef RTE_CAST_PTR
#define RTE_CAST_PTR(type, ptr) ((type)(uintptr_t)(ptr))
#endif

#ifndef __rte_constant
#define __rte_constant(e) __builtin_constant_p(e)
#endif

#ifndef __rte_unreachable
#define __rte_unreachable() __extension__(__builtin_unreachable())
#endif

#ifndef __rte_assume
#ifdef __clang__
#define __rte_assume(condition) __extension__(__builtin_assume(condition))
#else
#define __rte_assume(condition) do { if (!(condition)) __rte_unreachable(); } while (0)
#endif
#endif

#ifndef __rte_pure
#define __rte_pure __attribute__((pure))
#endif

#ifndef __rte_packed_begin
#define __rte_packed_begin
#define __rte_packed_end __attribute__((__packed__))
#endif

#endif /* FASTMEM_COMPAT_RTE_COMMON_H */
