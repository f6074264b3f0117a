/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_BITOPS_H
#define FASTMEM_COMPAT_RTE_BITOPS_H

#include_next <rte_bitops.h>
#include <rte_common.h>
#include <rte_fastmem_compat.h>
#include <rte_version.h>

/* Counting of bits, since 23.11. As there, the argument must not be 0. */

#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)

static inline unsigned int
rte_clz32(uint32_t v)
{
	return (unsigned int)__builtin_clz(v);
}

static inline unsigned int
rte_ctz32(uint32_t v)
{
	return (unsigned int)__builtin_ctz(v);
}

static inline unsigned int
rte_ctz64(uint64_t v)
{
	return (unsigned int)__builtin_ctzll(v);
}

static inline unsigned int
rte_popcount32(uint32_t v)
{
	return (unsigned int)__builtin_popcount(v);
}

static inline unsigned int
rte_popcount64(uint64_t v)
{
	return (unsigned int)__builtin_popcountll(v);
}

#endif

#endif /* FASTMEM_COMPAT_RTE_BITOPS_H */
