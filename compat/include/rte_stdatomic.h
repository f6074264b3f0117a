/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_STDATOMIC_H
#define FASTMEM_COMPAT_RTE_STDATOMIC_H

#include <rte_version.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
#include_next <rte_stdatomic.h>
#else
#include <rte_fastmem_compat.h>
#endif

#endif /* FASTMEM_COMPAT_RTE_STDATOMIC_H */
