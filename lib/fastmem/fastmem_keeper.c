/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_thread.h>

#include "fastmem_block.h"
#include "fastmem_control.h"
#include "fastmem_keeper.h"

/* How often to look for processes that were killed. */
#define KEEPER_LOOK_MS 500

#define KEEPER_LOCKS "fastmem_peers"

/* The primary process's place among the locks: behind those of its peers. */
#define KEEPER_OWN_PLACE FASTMEM_MAX_PEERS

static struct {
	struct fastmem_root *root;
	int fd;              /* Of the file with the locks; -1 if there is none. */
	bool running;
	rte_thread_t threads[2];
	struct fastmem_lock start_lock; /* For what is above. */
	RTE_ATOMIC(uint32_t) stop;
	struct fastmem_bell grow_bell;
	/**
	 * Held while a request is served, but for growth, and while a dead
	 * process is cleared up after.
	 */
	struct fastmem_lock serve_lock;
} keeper = {
	.fd = -1,
	.start_lock = FASTMEM_LOCK_INITIALIZER,
	.serve_lock = FASTMEM_LOCK_INITIALIZER,
};

int
fastmem_keeper_open_locks(bool create)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" KEEPER_LOCKS,
		rte_eal_get_runtime_dir());
	return open(path, O_RDWR | O_CLOEXEC |
		(create ? O_CREAT | O_TRUNC : 0), 0600);
}

static bool
keeper_fcntl(int fd, int cmd, struct flock *lock, short type,
	unsigned int peer)
{
	*lock = (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = peer,
		.l_len = 1
	};
	return fcntl(fd, cmd, lock) == 0;
}

bool
fastmem_keeper_lock_peer(int fd, unsigned int peer)
{
	struct flock lock;

	return keeper_fcntl(fd, F_SETLK, &lock, F_WRLCK, peer);
}

void
fastmem_keeper_unlock_peer(int fd, unsigned int peer)
{
	struct flock lock;

	keeper_fcntl(fd, F_SETLK, &lock, F_UNLCK, peer);
}

bool
fastmem_keeper_has_ended(int fd)
{
	struct flock lock;

	return keeper_fcntl(fd, F_GETLK, &lock, F_WRLCK, KEEPER_OWN_PLACE) &&
		lock.l_type == F_UNLCK;
}

static bool
keeper_peer_is_used(unsigned int peer)
{
	return rte_atomic_load_explicit(&keeper.root->peers[peer].used,
		rte_memory_order_acquire) != 0;
}

/* Lock the place of a used peer if it is that of a process that has ended. One
 * that could not attach gives its place up by itself, and it may be the next
 * one's in a moment: only who holds the lock knows whose it is.
 */
static bool
keeper_lock_dead_peer(unsigned int peer)
{
	if (!keeper_peer_is_used(peer) ||
			!fastmem_keeper_lock_peer(keeper.fd, peer))
		return false;
	fastmem_race_point(FASTMEM_RACE_PEER_DEAD);
	if (keeper_peer_is_used(peer))
		return true;
	fastmem_keeper_unlock_peer(keeper.fd, peer);
	return false;
}

static struct fastmem_peer *
keeper_peer(unsigned int owner)
{
	return &keeper.root->peers[owner - FASTMEM_PROCESS_PEERS];
}

static void
request_done(struct fastmem_request *request)
{
	rte_atomic_store_explicit(&request->state, FASTMEM_REQUEST_DONE,
		rte_memory_order_release);
	fastmem_futex_wake(&request->state);
}

/* Get memory for who asks for it; false if there is none. */
static bool
serve_memory(struct fastmem_request *request, unsigned int owner,
	unsigned int flags)
{
	struct fastmem_root *root = keeper.root;

	request->result = 0;
	switch (request->op) {
	case FASTMEM_REQUEST_ALLOC:
		request->obj = fastmem_cache_alloc(request->cache, flags);
		return request->obj != NULL;
	case FASTMEM_REQUEST_COLLECT:
		if (!fastmem_cache_collect(request->cache, request->n, flags))
			request->result = -ENOMEM;
		break;
	case FASTMEM_REQUEST_RESERVE:
		request->result = (flags & RTE_FASTMEM_F_NO_GROW) != 0 ?
			-ENOMEM : fastmem_control_reserve(root, request->n,
				request->id, request->socket_idx);
		break;
	default:
		request->result = fastmem_block_attach_peer(root, owner,
			request->socket_idx, flags);
	}
	return request->result == 0;
}

static void
serve_other(struct fastmem_request *request, unsigned int owner)
{
	struct fastmem_root *root = keeper.root;

	switch (request->op) {
	case FASTMEM_REQUEST_FREE:
		fastmem_cache_free_bulk(request->cache, &request->obj, 1);
		break;
	case FASTMEM_REQUEST_ROOM:
		request->result = fastmem_cache_make_room(request->cache);
		break;
	case FASTMEM_REQUEST_BLOCK:
		request->block = fastmem_block_find(root, owner, request->id,
			request->socket_idx);
		break;
	case FASTMEM_REQUEST_RETIRE:
		fastmem_block_give_up(root, request->block);
		break;
	case FASTMEM_REQUEST_FLUSH:
		fastmem_control_flush(root, request->block);
		break;
	case FASTMEM_REQUEST_FLUSH_TYPE:
		fastmem_control_flush_type(root, request->block, request->id);
		break;
	case FASTMEM_REQUEST_AUDIT:
		request->result = fastmem_control_audit(root);
		break;
	case FASTMEM_REQUEST_RESET:
		fastmem_control_reset(root);
		break;
	case FASTMEM_REQUEST_DETACH:
		fastmem_block_detach_peer(root, owner);
		break;
	}
}

/* Serve a request that was posted. */
static void
serve(struct fastmem_request *request, unsigned int owner)
{
	unsigned int flags = request->flags;
	uint32_t op = request->op;
	bool done = true;

	switch (op) {
	case FASTMEM_REQUEST_ATTACH:
	case FASTMEM_REQUEST_RESERVE:
		flags = 0;
		/* fall through */
	case FASTMEM_REQUEST_ALLOC:
	case FASTMEM_REQUEST_COLLECT:
		done = serve_memory(request, owner, flags | FASTMEM_F_AT_HAND |
			RTE_FASTMEM_F_NO_GROW);
		if (!done && (flags & RTE_FASTMEM_F_NO_GROW) != 0) {
			serve_memory(request, owner, flags);
			done = true;
		}
		break;
	default:
		serve_other(request, owner);
	}
	fastmem_race_point(FASTMEM_RACE_KEEPER_SERVED);
	if (done) {
		request_done(request);
		/* From here on it may be another process's, with its request. */
		if (op == FASTMEM_REQUEST_DETACH)
			rte_atomic_store_explicit(&keeper_peer(owner)->used, 0,
				rte_memory_order_release);
		return;
	}
	rte_atomic_store_explicit(&request->state, FASTMEM_REQUEST_GROWS,
		rte_memory_order_release);
	fastmem_keeper_ring(&keeper.grow_bell);
}

static bool
request_is(const struct fastmem_request *request,
	enum fastmem_request_state state)
{
	return rte_atomic_load_explicit(&request->state,
		rte_memory_order_acquire) == state;
}

static struct fastmem_block *
keeper_blocks(void)
{
	return (struct fastmem_block *)rte_atomic_load_explicit(
		&keeper.root->blocks, rte_memory_order_acquire);
}

/* The first keeper's part of a request that was posted. */
static void
keeper_serve(struct fastmem_request *request, unsigned int owner)
{
	uint32_t state = FASTMEM_REQUEST_POSTED;

	/* As in rte_fastmem_stats_reset(); this takes the lock, too. */
	if (request->op == FASTMEM_REQUEST_RESET)
		fastmem_keeper_reclaim(false);
	fastmem_lock(&keeper.serve_lock);
	/* Unless its process is dead and cleared up after by now, or did not
	 * want to wait. Acquire the rest of the request.
	 */
	if (rte_atomic_compare_exchange_strong_explicit(&request->state, &state,
			FASTMEM_REQUEST_SERVED, rte_memory_order_acquire,
			rte_memory_order_relaxed))
		serve(request, owner);
	fastmem_unlock(&keeper.serve_lock);
}

/* The second keeper's. Nobody clears up after a process with such a request. */
static void
keeper_grow(struct fastmem_request *request, unsigned int owner)
{
	serve_memory(request, owner, request->flags);
	fastmem_race_point(FASTMEM_RACE_KEEPER_GROWN);
	request_done(request);
}

/* Serve all requests in a state; tells if there were any. */
static bool
keeper_sweep(enum fastmem_request_state state,
	void (*keep)(struct fastmem_request *request, unsigned int owner))
{
	struct fastmem_block *block;
	struct fastmem_peer *peer;
	bool found = false;
	unsigned int i;

	for (i = 0; i < FASTMEM_MAX_PEERS; i++) {
		peer = &keeper.root->peers[i];
		if (!request_is(&peer->request, state))
			continue;
		keep(&peer->request, FASTMEM_PROCESS_PEERS + i);
		found = true;
	}
	for (block = keeper_blocks(); block != NULL; block = block->next) {
		if (!request_is(&block->request, state))
			continue;
		keep(&block->request, fastmem_block_owner(block));
		found = true;
	}
	return found;
}

static bool
keeper_stops(void)
{
	return rte_atomic_load_explicit(&keeper.stop,
		rte_memory_order_relaxed) != 0;
}

/* Wait for a bell that was last seen with a number of rings. */
static void
keeper_sleep(struct fastmem_bell *bell, uint32_t rings, unsigned int ms)
{
	fastmem_race_point(FASTMEM_RACE_KEEPER_SLEEPS);
	fastmem_futex_wait(&bell->rings, rings, ms);
}

/* Milliseconds until a time, in timer cycles; 0 if it is over. */
static unsigned int
keeper_ms_until(uint64_t next)
{
	uint64_t now = rte_get_timer_cycles();

	return now >= next ? 0 : (next - now) * 1000 / rte_get_timer_hz() + 1;
}

static uint32_t
keeper_rings(const struct fastmem_bell *bell)
{
	/* Acquire: look for requests only then. */
	return rte_atomic_load_explicit(&bell->rings,
		rte_memory_order_acquire);
}

static uint32_t
keeper_main(void *arg __rte_unused)
{
	struct fastmem_bell *bell = &keeper.root->bell;
	unsigned int ms;
	uint64_t next = 0;
	uint32_t rings;

	while (!keeper_stops()) {
		rings = keeper_rings(bell);
		/* The clocks of both sides differ: had it slept a little less
		 * than it should, it would look only after the next sleep.
		 */
		ms = keeper_ms_until(next);
		if (ms == 0) {
			fastmem_keeper_reclaim(false);
			next = rte_get_timer_cycles() +
				rte_get_timer_hz() * KEEPER_LOOK_MS / 1000;
		}
		if (!keeper_sweep(FASTMEM_REQUEST_POSTED, keeper_serve) &&
				ms != 0)
			keeper_sleep(bell, rings, ms);
	}
	return 0;
}

static uint32_t
keeper_grow_main(void *arg __rte_unused)
{
	uint32_t rings;

	while (!keeper_stops()) {
		rings = keeper_rings(&keeper.grow_bell);
		if (!keeper_sweep(FASTMEM_REQUEST_GROWS, keeper_grow))
			keeper_sleep(&keeper.grow_bell, rings, KEEPER_LOOK_MS);
	}
	return 0;
}

/* Tell if the second keeper is at work for a process. */
static bool
keeper_grows_for(unsigned int owner)
{
	struct fastmem_block *block;

	if (request_is(&keeper_peer(owner)->request, FASTMEM_REQUEST_GROWS))
		return true;
	for (block = keeper_blocks(); block != NULL; block = block->next)
		if (fastmem_block_owner(block) == owner &&
				request_is(&block->request,
					FASTMEM_REQUEST_GROWS))
			return true;
	return false;
}

/* Clear up after a process if it is dead. Returns 1 if so, 0 if there was nothing
 * to do, and -1 if growth for it is under way.
 */
static int
keeper_reclaim_peer(unsigned int i)
{
	unsigned int owner = FASTMEM_PROCESS_PEERS + i;
	struct fastmem_peer *peer = &keeper.root->peers[i];
	int ret = 0;

	fastmem_lock(&keeper.serve_lock);
	if (keeper_lock_dead_peer(i)) {
		ret = keeper_grows_for(owner) ? -1 : 1;
		if (ret == 1) {
			FASTMEM_LOG(NOTICE, "process %u ended without detaching, its caches are reclaimed",
				peer->pid);
			fastmem_block_detach_peer(keeper.root, owner);
			rte_atomic_store_explicit(&peer->request.state,
				FASTMEM_REQUEST_IDLE, rte_memory_order_relaxed);
			rte_atomic_store_explicit(&peer->used, 0,
				rte_memory_order_release);
		}
		fastmem_keeper_unlock_peer(keeper.fd, i);
	}
	fastmem_unlock(&keeper.serve_lock);
	return ret;
}

unsigned int
fastmem_keeper_reclaim(bool wait)
{
	unsigned int i, n = 0;
	int ret;

	if (keeper.fd < 0)
		return 0;
	for (i = 0; i < FASTMEM_MAX_PEERS; i++) {
		while ((ret = keeper_reclaim_peer(i)) < 0 && wait)
			rte_delay_us_sleep(1000);
		n += ret == 1;
	}
	return n;
}

void
fastmem_keeper_pause(void)
	__rte_no_thread_safety_analysis
{
	fastmem_lock(&keeper.serve_lock);
}

void
fastmem_keeper_resume(void)
	__rte_no_thread_safety_analysis
{
	fastmem_unlock(&keeper.serve_lock);
}

static int
keeper_start(void)
{
	int ret;

	rte_atomic_store_explicit(&keeper.stop, 0, rte_memory_order_relaxed);
	ret = rte_thread_create_control(&keeper.threads[0],
		"fastmem", keeper_main, NULL);
	if (ret != 0)
		return ret;
	ret = rte_thread_create_control(&keeper.threads[1],
		"fastmem-grow", keeper_grow_main, NULL);
	keeper.running = ret == 0;
	if (ret == 0)
		return 0;
	rte_atomic_store_explicit(&keeper.stop, 1, rte_memory_order_relaxed);
	rte_thread_join(keeper.threads[0], NULL);
	return ret;
}

/* A secondary process wants to attach. Called by EAL's thread for messages. */
static int
keeper_attach_action(const struct rte_mp_msg *msg __rte_unused,
	const void *peer __rte_unused)
{
	int ret = 0;

	fastmem_lock(&keeper.start_lock);
	if (keeper.root != NULL && !keeper.running)
		ret = keeper_start();
	fastmem_unlock(&keeper.start_lock);
	if (ret != 0)
		FASTMEM_LOG(ERR, "cannot start threads to serve secondary processes: %s",
			strerror(ret));
	return 0;
}

void
fastmem_keeper_open(struct fastmem_root *root)
{
	int fd = fastmem_keeper_open_locks(true);

	/* As without files, there are no secondary processes then. */
	if (fd < 0 || !fastmem_keeper_lock_peer(fd, KEEPER_OWN_PLACE)) {
		FASTMEM_LOG(DEBUG, "no secondary process can attach: %s",
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	fastmem_lock(&keeper.start_lock);
	keeper.fd = fd;
	keeper.root = root;
	fastmem_unlock(&keeper.start_lock);
	if (rte_mp_action_register(FASTMEM_KEEPER_ACTION,
			keeper_attach_action) != 0)
		FASTMEM_LOG(DEBUG, "no secondary process can attach: %s",
			rte_strerror(rte_errno));
}

void
fastmem_keeper_close(void)
{
	unsigned int i;

	if (keeper.fd < 0)
		return;
	fastmem_keeper_reclaim(true);
	for (i = 0; i < FASTMEM_MAX_PEERS; i++)
		if (rte_atomic_load_explicit(&keeper.root->peers[i].used,
				rte_memory_order_acquire) != 0)
			FASTMEM_LOG(ERR, "process %u is still attached to what is torn down",
				keeper.root->peers[i].pid);
	rte_mp_action_unregister(FASTMEM_KEEPER_ACTION);
	fastmem_lock(&keeper.start_lock);
	if (keeper.running) {
		rte_atomic_store_explicit(&keeper.stop, 1,
			rte_memory_order_relaxed);
		fastmem_keeper_ring(&keeper.root->bell);
		fastmem_keeper_ring(&keeper.grow_bell);
		rte_thread_join(keeper.threads[0], NULL);
		rte_thread_join(keeper.threads[1], NULL);
		keeper.running = false;
	}
	keeper.root = NULL;
	close(keeper.fd);
	keeper.fd = -1;
	fastmem_unlock(&keeper.start_lock);
}
