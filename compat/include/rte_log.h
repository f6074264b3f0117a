/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_COMPAT_RTE_LOG_H
#define FASTMEM_COMPAT_RTE_LOG_H

#include <assert.h>

#include_next <rte_log.h>

/*
 * One line of log, since 24.03. The newline is the macro's business:
 * a format that has one of its own does not compile (gcc).
 */

#ifndef RTE_LOG_LINE

#if defined(__GNUC__) && !defined(__clang__)
#define FASTMEM_LOG_CHECK(fmt, ...) \
	static_assert(!__builtin_strchr(fmt, '\n'), "newline in the format of a log line")
#else
#define FASTMEM_LOG_CHECK(...)
#endif

#define RTE_LOG_LINE(level, type, ...) do { \
	FASTMEM_LOG_CHECK(RTE_FMT_HEAD(__VA_ARGS__ ,)); \
	RTE_LOG(level, type, RTE_FMT(RTE_FMT_HEAD(__VA_ARGS__ ,) "\n", \
		RTE_FMT_TAIL(__VA_ARGS__ ,))); \
} while (0)

#define RTE_LOG_DP_LINE(level, type, ...) do { \
	FASTMEM_LOG_CHECK(RTE_FMT_HEAD(__VA_ARGS__ ,)); \
	RTE_LOG_DP(level, type, RTE_FMT(RTE_FMT_HEAD(__VA_ARGS__ ,) "\n", \
		RTE_FMT_TAIL(__VA_ARGS__ ,))); \
} while (0)

#endif /* RTE_LOG_LINE */

#endif /* FASTMEM_COMPAT_RTE_LOG_H */
