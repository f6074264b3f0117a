/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_string_fns.h>

#include "fastmem_block.h"
#include "fastmem_futex.h"
#include "fastmem_keeper.h"
#include "fastmem_lock.h"
#include "fastmem_remote.h"

/* How often a waiting thread makes sure that the primary process lives. */
#define REMOTE_ALIVE_MS 1000

/* How long it may take to answer at first. */
#define REMOTE_ATTACH_TRIES 500
#define REMOTE_ATTACH_MS 10

static struct {
	struct fastmem_root *root;
	int fd; /* Of the file with the locks that prove that we live. */
	struct fastmem_peer *peer;
	struct fastmem_lock lock; /* For the peer's request. */
	struct fastmem_lock spare_lock; /* For the peer's spare block. */
	/* Relaxed: the primary process is gone, so nothing is asked for, or
	 * waited for, any more.
	 */
	RTE_ATOMIC(uint32_t) alone;
} remote = {
	.fd = -1,
	.lock = FASTMEM_LOCK_INITIALIZER,
	.spare_lock = FASTMEM_LOCK_INITIALIZER,
};

bool
fastmem_primary_has_ended(bool look)
{
	if (rte_atomic_load_explicit(&remote.alone,
			rte_memory_order_relaxed) != 0)
		return true;
	/* Not rte_eal_primary_proc_alive(), which opens a file for that. A
	 * process that cannot, for it is short of file descriptors, or has
	 * changed its user or root directory, would give up on a primary one
	 * which serves its request later, then unexpected.
	 */
	if (!look || !fastmem_keeper_has_ended(remote.fd))
		return false;
	if (rte_atomic_exchange_explicit(&remote.alone, 1,
			rte_memory_order_relaxed) == 0)
		FASTMEM_LOG(ERR, "the primary process is gone");
	return true;
}

static void
request_post(struct fastmem_request *request, enum fastmem_request_op op)
{
	request->op = op;
	fastmem_race_point(FASTMEM_RACE_REQUEST_WRITTEN);
	rte_atomic_store_explicit(&request->state, FASTMEM_REQUEST_POSTED,
		rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_REQUEST_POSTED);
	fastmem_keeper_ring(&remote.root->bell);
}

/* Wait until a request is served; false if it never will be. */
static bool
request_wait(struct fastmem_request *request)
{
	uint32_t state;

	while ((state = rte_atomic_load_explicit(&request->state,
			rte_memory_order_acquire)) != FASTMEM_REQUEST_DONE) {
		fastmem_race_point(FASTMEM_RACE_REQUEST_WAITS);
		fastmem_futex_wait(&request->state, state, REMOTE_ALIVE_MS);
		if (rte_atomic_load_explicit(&request->state,
				rte_memory_order_acquire) == state &&
				fastmem_primary_has_ended(true))
			return false;
	}
	rte_atomic_store_explicit(&request->state, FASTMEM_REQUEST_IDLE,
		rte_memory_order_relaxed);
	fastmem_race_point(FASTMEM_RACE_REQUEST_SERVED);
	return true;
}

static bool
request_call(struct fastmem_request *request, enum fastmem_request_op op)
{
	/* Once it is known that nobody answers, that is not waited for again. */
	if (fastmem_primary_has_ended(false))
		return false;
	request_post(request, op);
	return request_wait(request);
}

/* Have the primary process do something to a cache. */
static bool
request_cache(struct fastmem_cache *cache, enum fastmem_request_op op)
{
	if (request_call(cache->journal->request, op))
		return true;
	/* It may have died in the middle of a change. */
	fastmem_journal_redo(cache->journal);
	return false;
}

void *
fastmem_remote_alloc(struct fastmem_cache *cache, unsigned int flags)
{
	struct fastmem_request *request = cache->journal->request;

	request->cache = cache;
	request->flags = flags & RTE_FASTMEM_F_NO_GROW;
	return request_cache(cache, FASTMEM_REQUEST_ALLOC) ?
		request->obj : NULL;
}

void
fastmem_remote_free(struct fastmem_cache *cache, void *obj)
{
	struct fastmem_request *request = cache->journal->request;

	request->cache = cache;
	request->obj = obj;
	request_cache(cache, FASTMEM_REQUEST_FREE);
}

enum fastmem_cache_result
fastmem_remote_make_room(struct fastmem_cache *cache)
{
	struct fastmem_request *request = cache->journal->request;

	request->cache = cache;
	return request_cache(cache, FASTMEM_REQUEST_ROOM) ?
		(enum fastmem_cache_result)request->result : FASTMEM_CACHE_NONE;
}

bool
fastmem_remote_collect(struct fastmem_cache *cache, unsigned int n,
	unsigned int flags)
{
	struct fastmem_request *request = cache->journal->request;

	request->cache = cache;
	request->n = n;
	request->flags = flags & RTE_FASTMEM_F_NO_GROW;
	return request_cache(cache, FASTMEM_REQUEST_COLLECT) &&
		request->result == 0;
}

struct fastmem_block *
fastmem_remote_block(unsigned int lcore_id, unsigned int socket_idx)
{
	struct fastmem_request *request = &remote.peer->request;
	struct fastmem_block *block = NULL;

	fastmem_lock(&remote.lock);
	request->id = lcore_id;
	request->socket_idx = socket_idx;
	if (request_call(request, FASTMEM_REQUEST_BLOCK))
		block = request->block;
	fastmem_unlock(&remote.lock);
	return block;
}

static void
remote_call_block(struct fastmem_block *block, enum fastmem_request_op op,
	int32_t id)
{
	struct fastmem_request *request = &remote.peer->request;

	fastmem_lock(&remote.lock);
	request->block = block;
	request->id = id;
	request_call(request, op);
	fastmem_unlock(&remote.lock);
}

void
fastmem_remote_retire(struct fastmem_block *block)
{
	remote_call_block(block, FASTMEM_REQUEST_RETIRE, 0);
}

void
fastmem_remote_flush(struct fastmem_block *block)
{
	remote_call_block(block, FASTMEM_REQUEST_FLUSH, 0);
}

void
fastmem_remote_flush_type(struct fastmem_block *block, unsigned int index)
{
	remote_call_block(block, FASTMEM_REQUEST_FLUSH_TYPE, index);
}

int
fastmem_remote_reserve(size_t size, int socket_id, unsigned int socket_idx)
{
	struct fastmem_request *request = &remote.peer->request;
	int ret = -ENOMEM;

	fastmem_lock(&remote.lock);
	request->n = size;
	request->id = socket_id;
	request->socket_idx = socket_idx;
	if (request_call(request, FASTMEM_REQUEST_RESERVE))
		ret = request->result;
	fastmem_unlock(&remote.lock);
	return ret;
}

int
fastmem_remote_audit(void)
{
	struct fastmem_request *request = &remote.peer->request;
	int ret = -EIO;

	fastmem_lock(&remote.lock);
	if (request_call(request, FASTMEM_REQUEST_AUDIT))
		ret = request->result;
	fastmem_unlock(&remote.lock);
	return ret;
}

void
fastmem_remote_reset(void)
{
	remote_call_block(NULL, FASTMEM_REQUEST_RESET, 0);
}

struct fastmem_block *
fastmem_remote_spare_get(void)
	__rte_no_thread_safety_analysis
{
	fastmem_lock(&remote.spare_lock);
	return remote.peer->spare;
}

void
fastmem_remote_spare_put(void)
	__rte_no_thread_safety_analysis
{
	fastmem_unlock(&remote.spare_lock);
}

/* Have the primary process start its keepers. */
static int
remote_wake_keeper(void)
{
	struct rte_mp_msg msg = { 0 };

	strlcpy(msg.name, FASTMEM_KEEPER_ACTION, sizeof(msg.name));
	if (rte_mp_sendmsg(&msg) != 0)
		return rte_errno == ENOTSUP ? -ENOTSUP : -EIO;
	return 0;
}

/* Lock a place of its own. */
static struct fastmem_peer *
remote_lock_peer(struct fastmem_root *root)
{
	unsigned int i;

	for (i = 0; i < FASTMEM_MAX_PEERS; i++) {
		if (!fastmem_keeper_lock_peer(remote.fd, i))
			continue;
		fastmem_race_point(FASTMEM_RACE_PEER_LOCKED);
		/* What a process left that was killed is cleared first. */
		if (rte_atomic_load_explicit(&root->peers[i].used,
				rte_memory_order_acquire) == 0)
			return &root->peers[i];
		fastmem_keeper_unlock_peer(remote.fd, i);
	}
	return NULL;
}

/* Wait for the keeper's attention: it may not run yet, or never. */
static bool
remote_wait_attach(struct fastmem_request *request)
{
	uint32_t state = FASTMEM_REQUEST_POSTED;
	unsigned int i;

	for (i = 0; i < REMOTE_ATTACH_TRIES; i++) {
		fastmem_futex_wait(&request->state, FASTMEM_REQUEST_POSTED,
			REMOTE_ATTACH_MS);
		if (rte_atomic_load_explicit(&request->state,
				rte_memory_order_relaxed) !=
				FASTMEM_REQUEST_POSTED)
			return request_wait(request);
	}
	/* Unless it has come to it right now. */
	return !rte_atomic_compare_exchange_strong_explicit(&request->state,
		&state, FASTMEM_REQUEST_IDLE, rte_memory_order_relaxed,
		rte_memory_order_relaxed) && request_wait(request);
}

static int
remote_call_attach(void)
{
	struct fastmem_peer *peer = remote.peer;
	int ret;

	memset(&peer->request, 0, sizeof(peer->request));
	peer->spare = NULL;
	peer->pid = getpid();
	peer->request.socket_idx = fastmem_root_own_socket(remote.root);
	fastmem_race_point(FASTMEM_RACE_PEER_CLEARED);
	rte_atomic_store_explicit(&peer->used, 1, rte_memory_order_release);
	fastmem_race_point(FASTMEM_RACE_PEER_USED);
	request_post(&peer->request, FASTMEM_REQUEST_ATTACH);
	ret = remote_wake_keeper();
	if (!remote_wait_attach(&peer->request)) {
		rte_atomic_store_explicit(&peer->used, 0,
			rte_memory_order_release);
		return ret != 0 ? ret : -EIO;
	}
	ret = peer->request.result;
	/* There is nothing to be cleared up. */
	if (ret != 0)
		rte_atomic_store_explicit(&peer->used, 0,
			rte_memory_order_release);
	return ret;
}

void
fastmem_remote_close(void)
{
	close(remote.fd);
	remote.fd = -1;
	remote.peer = NULL;
}

int
fastmem_remote_attach(struct fastmem_root *root)
{
	int ret;

	remote.root = root;
	rte_atomic_store_explicit(&remote.alone, 0, rte_memory_order_relaxed);
	remote.fd = fastmem_keeper_open_locks(false);
	if (remote.fd < 0) {
		FASTMEM_LOG(ERR, "cannot open the file with the locks of secondary processes: %s",
			strerror(errno));
		return -ENOTSUP;
	}
	remote.peer = remote_lock_peer(root);
	ret = remote.peer == NULL ? -EAGAIN : remote_call_attach();
	if (ret != 0) {
		FASTMEM_LOG(ERR, "cannot attach to the primary process: %s",
			strerror(-ret));
		fastmem_remote_close();
	}
	return ret;
}

void
fastmem_remote_detach(void)
{
	remote_call_block(NULL, FASTMEM_REQUEST_DETACH, 0);
	fastmem_remote_close();
}
