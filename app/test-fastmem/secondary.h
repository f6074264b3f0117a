/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef SECONDARY_H
#define SECONDARY_H

/*
 * The secondary process, which is this program again, and does what the
 * primary process asks for over a socket. It ends when the socket is closed.
 */

#include <stdint.h>
#include <unistd.h>

#include "scenario.h"

/* What starts this program again. */
#ifdef RTE_EXEC_ENV_FREEBSD
#define OWN_PROGRAM "/proc/curproc/file"
#else
#define OWN_PROGRAM "/proc/self/exe"
#endif

/* The secondary's end of the socket. */
#define SECONDARY_FD STDIN_FILENO

enum secondary_op {
	/* Prepare for an allocator's subject. */
	SECONDARY_OPEN,
	/* Measure. */
	SECONDARY_RUN,
	SECONDARY_CLOSE,
};

/* Pointers mean nothing to the other process, but to memory shared by EAL. */
struct secondary_request {
	enum secondary_op op;
	/* Both processes find it by its name, even if it has to be made. */
	char scenario[MAX_SCENARIO_NAME];
	/* Index of what both processes have. */
	unsigned int allocator;
	/* SECONDARY_OPEN: of the subject. */
	size_t size;
	unsigned int live;
	uintptr_t keys[MAX_KEYS];
	/* SECONDARY_RUN */
	uint64_t n;
};

/* There is one for each request, and one when the process is ready. */
struct secondary_reply {
	/* 0 or a negative errno. */
	int ret;
	/* SECONDARY_RUN */
	struct sample sample;
};

/* Keep what of EAL's arguments the secondary needs, too; before EAL is given them. */
void
secondary_keep_args(int argc, char **argv);

/* What the secondary process does, up to its end. Returns 0 or a negative errno. */
int
secondary_serve(void);

#endif /* SECONDARY_H */
