/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_LOCK_ANNOTATIONS_H
#define FASTMEM_COMPAT_RTE_LOCK_ANNOTATIONS_H

/*
 * 23.03 brought annotations of locks for clang's -Wthread-safety, 25.03 their
 * present names. The older names are other spellings of the same attributes.
 */

#if __has_include_next(<rte_lock_annotations.h>)
#include_next <rte_lock_annotations.h>
#endif

#ifdef RTE_ANNOTATE_LOCKS
#define FASTMEM_LOCK_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define FASTMEM_LOCK_ATTRIBUTE(attribute)
#endif

#ifndef __rte_guarded_by
#define __rte_guarded_by(...) FASTMEM_LOCK_ATTRIBUTE(guarded_by(__VA_ARGS__))
#endif

#ifndef __rte_guarded_var
#define __rte_guarded_var FASTMEM_LOCK_ATTRIBUTE(guarded_var)
#endif

#ifndef __rte_no_thread_safety_analysis
#define __rte_no_thread_safety_analysis FASTMEM_LOCK_ATTRIBUTE(no_thread_safety_analysis)
#endif

#ifndef __rte_capability
#define __rte_capability(...) FASTMEM_LOCK_ATTRIBUTE(capability(__VA_ARGS__))
#define __rte_requires_capability(...) FASTMEM_LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define __rte_acquire_capability(...) FASTMEM_LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define __rte_try_acquire_capability(...) \
	FASTMEM_LOCK_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define __rte_release_capability(...) FASTMEM_LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define __rte_assert_capability(...) FASTMEM_LOCK_ATTRIBUTE(assert_capability(__VA_ARGS__))
#define __rte_exclude_capability(...) FASTMEM_LOCK_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#endif

#endif /* FASTMEM_COMPAT_RTE_LOCK_ANNOTATIONS_H */
