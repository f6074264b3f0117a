/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FASTMEM_CONTROL_H
#define FASTMEM_CONTROL_H

/**
 * @file
 * Control: functions of the public interface that the primary process carries
 * out, for itself or for another process. See rte_fastmem.h.
 */

#include "fastmem_block.h"
#include "fastmem_root.h"

/** Reserve memory for a thread whose own socket has the given index. */
int
fastmem_control_reserve(struct fastmem_root *root, size_t size, int socket_id,
	unsigned int own);

/** Flush all depots, and the caches of a block unless it is NULL. */
void
fastmem_control_flush(struct fastmem_root *root, struct fastmem_block *block);

/** Flush the depot of a bin, and a block's cache of it unless that is NULL. */
void
fastmem_control_flush_type(struct fastmem_root *root,
	struct fastmem_block *block, unsigned int index);

/** The type of a handle, and the index of its bin; NULL if there is none. */
struct fastmem_type *
fastmem_type_of_handle(uint32_t handle, unsigned int *index);

int
fastmem_control_audit(struct fastmem_root *root);

void
fastmem_control_reset(struct fastmem_root *root);

#endif /* FASTMEM_CONTROL_H */
