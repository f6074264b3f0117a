/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

/*
 * Writes a trace of the process's allocations. All of it is under one lock,
 * which makes an order of the events.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_per_lcore.h>

#include "trace_format.h"
#include "trace_record.h"

RTE_LOG_REGISTER(fastmem_trace_logtype, app.fastmem_trace, INFO);

#define BUFFER_LEN 65536
#define MIN_ENTRIES 4096

enum state {
	STATE_NEW,       /* There was nothing to record yet. */
	STATE_RECORDING,
	STATE_ENDED,     /* For this process, for good. */
};

/* An object; the pointer is 0 if there is none. */
struct entry {
	uintptr_t ptr;
	uint32_t slot;
};

/* From record_init(). */
static const char *trace_path;

/* All of it is protected by the lock. */
static struct {
	pthread_mutex_t lock;
	enum state state;
	int fd;
	/* Open addressing, with at least half of the entries empty. */
	struct entry *entries;
	uint32_t n_entries;
	/* Slots that are free, and how many there are in all. */
	uint32_t *idle;
	uint32_t n_idle;
	uint32_t n_slots;
	/* The thread that made the last event, and how many there were. */
	unsigned int thread;
	unsigned int n_threads;
	uint64_t n_allocs;
	uint64_t n_frees;
	/* Objects that are too large for a trace. */
	uint64_t n_large;
	uint32_t checksum;
	size_t len;
	uint8_t buffer[BUFFER_LEN];
} trace = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.fd = -1,
};

/* The thread's number from 1 on, or 0 if it has none yet. */
static RTE_DEFINE_PER_LCORE(unsigned int, number);

static void
end_recording(void)
{
	if (trace.fd >= 0)
		close(trace.fd);
	trace.fd = -1;
	free(trace.entries);
	trace.entries = NULL;
	free(trace.idle);
	trace.idle = NULL;
	trace.state = STATE_ENDED;
}

static void
fail(const char *what, const char *reason)
{
	RTE_LOG(ERR, FASTMEM_TRACE, "%s: %s: %s; recording ends\n", trace_path,
		what, reason);
	end_recording();
}

static bool
flush_buffer(void)
{
	size_t done = 0;
	ssize_t n;

	while (done < trace.len) {
		n = write(trace.fd, trace.buffer + done, trace.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail("cannot write", strerror(n < 0 ? errno : EIO));
			return false;
		}
		done += n;
	}
	trace.len = 0;
	return true;
}

static void
put(uint64_t value)
{
	trace.len += trace_put_varint(trace.buffer + trace.len, value);
}

static void
put_event(enum trace_kind kind, uint64_t value)
{
	put(value << TRACE_KIND_BITS | kind);
}

static void
put_size(size_t size, unsigned int align)
{
	put((uint64_t)size << 1 | (align != 0));
	if (align != 0)
		trace.buffer[trace.len++] = rte_log2_u32(align);
}

/* Make room for a mark and an event, and write the mark. */
static bool
begin_event(void)
{
	if (trace.len + 2 * TRACE_EVENT_LEN > BUFFER_LEN && !flush_buffer())
		return false;
	if (RTE_PER_LCORE(number) == 0 && trace.n_threads < TRACE_MAX_THREADS)
		RTE_PER_LCORE(number) = ++trace.n_threads;
	/* Those that are too many share the first number. */
	if (RTE_PER_LCORE(number) == 0)
		RTE_PER_LCORE(number) = 1;
	if (trace.thread != RTE_PER_LCORE(number)) {
		trace.thread = RTE_PER_LCORE(number);
		put_event(TRACE_MARK, trace.thread);
	}
	return true;
}

/* Where an entry is, or else the empty one where it had to be. */
static struct entry *
find_entry(uintptr_t ptr)
{
	uint32_t i = (uint64_t)ptr * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	for (;; i++) {
		i &= trace.n_entries - 1;
		if (trace.entries[i].ptr == ptr || trace.entries[i].ptr == 0)
			return &trace.entries[i];
	}
}

/* Twice as many entries, and room for the slots of half of them. */
static bool
grow_entries(void)
{
	struct entry *old = trace.entries;
	uint32_t n_old = trace.n_entries, i;
	uint32_t n = RTE_MAX(n_old * 2, (uint32_t)MIN_ENTRIES);
	uint32_t *idle;

	if (n / 2 > TRACE_MAX_SLOTS) {
		fail("cannot record", "too many objects");
		return false;
	}
	idle = realloc(trace.idle, n / 2 * sizeof(*idle));
	if (idle != NULL)
		trace.idle = idle;
	trace.entries = idle == NULL ? NULL : calloc(n, sizeof(*trace.entries));
	if (trace.entries == NULL) {
		trace.entries = old;
		fail("cannot record", "out of memory");
		return false;
	}
	trace.n_entries = n;
	for (i = 0; i < n_old; i++)
		if (old[i].ptr != 0)
			*find_entry(old[i].ptr) = old[i];
	free(old);
	return true;
}

/* Entries that were placed behind it move up, so that no gap hides them. */
static void
remove_entry(struct entry *entry)
{
	const uint32_t mask = trace.n_entries - 1;
	uint32_t i = entry - trace.entries;
	struct entry moved;

	entry->ptr = 0;
	for (;;) {
		i = (i + 1) & mask;
		if (trace.entries[i].ptr == 0)
			break;
		moved = trace.entries[i];
		trace.entries[i].ptr = 0;
		*find_entry(moved.ptr) = moved;
	}
}

static void
put_free(uintptr_t ptr)
{
	struct entry *entry = find_entry(ptr);
	const uint32_t slot = entry->slot;

	/* It was there before, or is none of those that are recorded. */
	if (entry->ptr == 0)
		return;
	remove_entry(entry);
	trace.idle[trace.n_idle++] = slot;
	if (!begin_event())
		return;
	put_event(TRACE_FREE, slot);
	trace.checksum = trace_checksum(trace.checksum, slot, 0);
	trace.n_frees++;
}

/* Room for one more entry, at a pointer that has none. */
static bool
prepare_entry(uintptr_t ptr)
{
	/* It was freed where it was not seen. */
	put_free(ptr);
	if (trace.state != STATE_RECORDING)
		return false;
	return trace.n_slots - trace.n_idle < trace.n_entries / 2 ||
		grow_entries();
}

static void
put_object(enum trace_kind kind, uintptr_t ptr, uint32_t slot, size_t size,
	unsigned int align)
{
	struct entry *entry;

	if (!begin_event())
		return;
	entry = find_entry(ptr);
	entry->ptr = ptr;
	entry->slot = slot;
	put_event(kind, slot);
	put_size(size, align);
	trace.checksum = trace_checksum(trace.checksum, slot, size);
	trace.n_allocs++;
}

static void
put_alloc(uintptr_t ptr, size_t size, unsigned int align)
{
	uint32_t slot;

	if (size > TRACE_MAX_SIZE) {
		trace.n_large++;
		return;
	}
	if (!prepare_entry(ptr))
		return;
	slot = trace.n_idle > 0 ? trace.idle[--trace.n_idle] : trace.n_slots++;
	put_object(TRACE_ALLOC, ptr, slot, RTE_MAX(size, (size_t)1), align);
}

/* An object with the slot has become another one. */
static void
put_realloc(uintptr_t ptr, uint32_t slot, size_t size, unsigned int align)
{
	if (!prepare_entry(ptr) || !begin_event())
		return;
	trace.checksum = trace_checksum(trace.checksum, slot, 0);
	trace.n_frees++;
	put_object(TRACE_REALLOC, ptr, slot, RTE_MAX(size, (size_t)1), align);
}

/*
 * With the first allocation rather than at the start: programs that start the
 * one which is meant load this object too, and have nothing to record.
 */
static bool
start_recording(void)
{
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		RTE_LOG(INFO, FASTMEM_TRACE, "a secondary process is not recorded\n");
		end_recording();
		return false;
	}
	trace.fd = open(trace_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0666);
	if (trace.fd < 0) {
		fail("cannot open", strerror(errno));
		return false;
	}
	trace.state = STATE_RECORDING;
	/* What has no mark is the first thread's. */
	trace.thread = 1;
	memcpy(trace.buffer, TRACE_MAGIC, TRACE_MAGIC_LEN);
	trace_put_fixed(trace.buffer + TRACE_MAGIC_LEN, TRACE_VERSION, 4);
	trace.len = TRACE_HEADER_LEN;
	return grow_entries();
}

void
record_alloc(const void *ptr, size_t size, unsigned int align)
{
	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING ||
			(trace.state == STATE_NEW && start_recording()))
		put_alloc((uintptr_t)ptr, size, align);
	pthread_mutex_unlock(&trace.lock);
}

void
record_free(const void *ptr)
{
	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING)
		put_free((uintptr_t)ptr);
	pthread_mutex_unlock(&trace.lock);
}

bool
record_take(const void *ptr, uint32_t *slot)
{
	struct entry *entry;
	bool taken = false;

	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING) {
		entry = find_entry((uintptr_t)ptr);
		taken = entry->ptr != 0;
		*slot = entry->slot;
		if (taken)
			remove_entry(entry);
	}
	pthread_mutex_unlock(&trace.lock);
	return taken;
}

void
record_put_back(const void *ptr, uint32_t slot)
{
	struct entry *entry;

	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING) {
		entry = find_entry((uintptr_t)ptr);
		entry->ptr = (uintptr_t)ptr;
		entry->slot = slot;
	}
	pthread_mutex_unlock(&trace.lock);
}

void
record_realloc(const void *ptr, uint32_t slot, size_t size,
	unsigned int align)
{
	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING)
		put_realloc((uintptr_t)ptr, slot,
			RTE_MIN(size, (size_t)TRACE_MAX_SIZE), align);
	pthread_mutex_unlock(&trace.lock);
}

static void
before_fork(void)
{
	pthread_mutex_lock(&trace.lock);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&trace.lock);
}

/* What is in the buffer is the parent's to write. */
static void
after_fork_child(void)
{
	end_recording();
	pthread_mutex_unlock(&trace.lock);
}

int
record_init(const char *path)
{
	if (pthread_atfork(before_fork, after_fork, after_fork_child) != 0)
		return -ENOMEM;
	trace_path = path;
	return 0;
}

static void
put_footer(void)
{
	uint8_t *to;

	put_event(TRACE_MARK, TRACE_MARK_END);
	to = trace.buffer + trace.len;
	trace_put_fixed(to, trace.n_allocs, 8);
	trace_put_fixed(to + 8, trace.n_frees, 8);
	trace_put_fixed(to + 16, trace.checksum, 4);
	trace.len += TRACE_FOOTER_LEN;
}

void
record_end(void)
{
	pthread_mutex_lock(&trace.lock);
	if (trace.state == STATE_RECORDING && begin_event()) {
		put_footer();
		if (flush_buffer()) {
			RTE_LOG(INFO, FASTMEM_TRACE, "%s: %" PRIu64 " allocations and %"
				PRIu64 " frees recorded, %" PRIu64 " too large for it\n",
				trace_path, trace.n_allocs, trace.n_frees,
				trace.n_large);
			end_recording();
		}
	}
	pthread_mutex_unlock(&trace.lock);
}
