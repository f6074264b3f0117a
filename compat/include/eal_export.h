/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_EAL_EXPORT_H
#define FASTMEM_COMPAT_EAL_EXPORT_H

/*
 * EAL keeps its header of this name to itself: it is not installed, and
 * releases before 25.07 do not have it. To the compiler the macros are
 * nothing; gen-version-map.py finds them in the source files.
 */

#if __has_include_next(<eal_export.h>)
#include_next <eal_export.h>
#endif

#ifndef RTE_EXPORT_SYMBOL
#define RTE_EXPORT_SYMBOL(symbol)
#endif

#ifndef RTE_EXPORT_EXPERIMENTAL_SYMBOL
#define RTE_EXPORT_EXPERIMENTAL_SYMBOL(symbol, version)
#endif

#ifndef RTE_EXPORT_INTERNAL_SYMBOL
#define RTE_EXPORT_INTERNAL_SYMBOL(symbol)
#endif

#endif /* FASTMEM_COMPAT_EAL_EXPORT_H */
