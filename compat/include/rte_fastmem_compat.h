/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef RTE_FASTMEM_COMPAT_H
#define RTE_FASTMEM_COMPAT_H

/*
 * What the public headers of the library need and releases of DPDK before
 * 25.11 lack. Installed with them, unlike the rest of the folder.
 */

#include <stdint.h>

#include <rte_common.h>
#include <rte_version.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)

#include <rte_stdatomic.h>

#else

/*
 * There was no choice between C11 atomics and the compiler's builtins, so the
 * latter stand for both.
 */

#define RTE_ATOMIC(type) type
#define __rte_atomic

typedef int rte_memory_order;

#define rte_memory_order_relaxed __ATOMIC_RELAXED
#define rte_memory_order_consume __ATOMIC_CONSUME
#define rte_memory_order_acquire __ATOMIC_ACQUIRE
#define rte_memory_order_release __ATOMIC_RELEASE
#define rte_memory_order_acq_rel __ATOMIC_ACQ_REL
#define rte_memory_order_seq_cst __ATOMIC_SEQ_CST

#define rte_atomic_load_explicit(p, order) __atomic_load_n(p, order)
#define rte_atomic_store_explicit(p, v, order) __atomic_store_n(p, v, order)
#define rte_atomic_exchange_explicit(p, v, order) __atomic_exchange_n(p, v, order)
#define rte_atomic_compare_exchange_strong_explicit(p, old, v, order, fail_order) \
	__atomic_compare_exchange_n(p, old, v, 0, order, fail_order)
#define rte_atomic_compare_exchange_weak_explicit(p, old, v, order, fail_order) \
	__atomic_compare_exchange_n(p, old, v, 1, order, fail_order)
#define rte_atomic_fetch_add_explicit(p, v, order) __atomic_fetch_add(p, v, order)
#define rte_atomic_fetch_sub_explicit(p, v, order) __atomic_fetch_sub(p, v, order)
#define rte_atomic_fetch_and_explicit(p, v, order) __atomic_fetch_and(p, v, order)
#define rte_atomic_fetch_or_explicit(p, v, order) __atomic_fetch_or(p, v, order)
#define rte_atomic_fetch_xor_explicit(p, v, order) __atomic_fetch_xor(p, v, order)
#define rte_atomic_fetch_nand_explicit(p, v, order) __atomic_fetch_nand(p, v, order)
#define rte_atomic_flag_test_and_set_explicit(p, order) __atomic_test_and_set(p, order)
#define rte_atomic_flag_clear_explicit(p, order) __atomic_clear(p, order)

/* As in later releases, the argument must not be 0. */
static inline unsigned int
rte_clz64(uint64_t v)
{
	return (unsigned int)__builtin_clzll(v);
}

#endif

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
