/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef FLOW_H
#define FLOW_H

/*
 * A table of flows, of one worker: flows by their keys, and what is known of
 * them, in objects of several kinds that come and go.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_hash.h>

#include "packet.h"
#include "state.h"

/* Ticks until a flow is forgotten of which nothing is heard. A tick is a number
 * of packets, so that a file always gives the same result.
 */
#define TIMEOUT_HANDSHAKE 16
#define TIMEOUT_TCP 256
#define TIMEOUT_UDP 64
#define TIMEOUT_ICMP 16
#define TIMEOUT_FRAGMENTS 32
#define TIMEOUT_DNS 32

/* Slots of the wheel of timers; more than any timeout. */
#define WHEEL_SLOTS 512

/* The packets that flow_table_packets() takes at once. */
#define FLOW_BURST_MAX 32

#define TCP_HISTOGRAM 16
#define TCP_GAPS_MAX 8
#define DNS_QUERIES_MAX 16
#define FRAGMENTS_MAX 16

/* Why a flow has ended. */
enum flow_end {
	FLOW_END_NONE, /* it has not */
	FLOW_END_CLOSED,
	FLOW_END_RESET,
	FLOW_END_IDLE,
	FLOW_END_STOP, /* of the program */
	FLOW_N_ENDS
};

struct note {
	struct note *next;
	uint32_t seq; /* of a segment behind a gap */
	uint32_t len;
	uint8_t data[];
};

struct timer {
	struct timer *next, *prev;
	struct flow *flow;
	uint32_t deadline;
};

/* What all flows begin with. */
struct flow {
	struct flow_key key;
	struct timer *timer;
	struct note *note; /* the first payload */
	enum state_type type;
	enum flow_end end; /* if it is to be destroyed after the burst */
	uint32_t started;
	uint32_t last_seen;
	uint32_t timeout;
	uint64_t packets[2], bytes[2];
};

/* One direction of a TCP connection. */
struct tcp_side {
	uint32_t next_seq;
	uint32_t n_gaps;
	uint32_t n_again; /* segments that had come before */
	bool known;
	bool closed;
	struct note *gaps; /* segments behind a gap, by seq */
	uint32_t histogram[TCP_HISTOGRAM]; /* sizes of segments */
};

struct tcp_flow {
	struct flow flow;
	bool established;
	uint32_t handshake; /* ticks that it took */
	struct tcp_side sides[2];
};

struct dns_query {
	struct dns_query *next;
	struct note *name;
	uint32_t asked;
	uint16_t id;
};

struct udp_flow {
	struct flow flow;
	struct dns_query *queries;
	unsigned int n_queries;
};

struct frag_flow {
	struct flow flow;
	uint32_t total; /* 0 until the last fragment has come */
	uint32_t have;
	unsigned int n;
	struct {
		uint16_t begin, end;
	} parts[FRAGMENTS_MAX];
};

struct flow_export {
	struct flow_key key;
	uint64_t packets[2], bytes[2];
	uint32_t duration; /* ticks */
	enum flow_end end;
};

struct flow_counters {
	uint64_t packets[PACKET_N_KINDS];
	uint64_t allocs[STATE_N_TYPES];
	uint64_t frees[STATE_N_TYPES];
	uint64_t nomem;
	uint64_t table_full;
	uint64_t ended[FLOW_N_ENDS];
	uint64_t dropped_exports;
	uint64_t digest; /* of all flows that have ended, in any order */
	uint64_t dns_answered;
	uint64_t reassembled;
	uint64_t gaps_closed;
	uint64_t bytes; /* in all objects, as asked for */
};

struct flow_table {
	struct rte_hash *hash;
	const struct state_ops *ops;
	/* Where a record of an ended flow goes; false: nowhere. */
	bool (*export)(void *arg, struct flow_export *record);
	void *export_arg;
	uint32_t max_flows;
	uint32_t n_flows;
	uint32_t most_flows;
	uint32_t now;
	uint32_t pass; /* of a file that is replayed */
	struct timer wheel[WHEEL_SLOTS]; /* heads of lists */
	struct flow *ended[FLOW_BURST_MAX]; /* during a burst */
	unsigned int n_ended;
	struct flow_counters counters;
};

/* Make the hash of a table: 0, or a negative errno. */
int
flow_table_create(struct flow_table *table, unsigned int id,
	uint32_t max_flows, int socket_id);

void
flow_table_destroy(struct flow_table *table);

/* Begin with an empty table and an allocator. */
void
flow_table_open(struct flow_table *table, const struct state_ops *ops);

/* End all flows. */
void
flow_table_close(struct flow_table *table);

/* Take note of packets. */
void
flow_table_packets(struct flow_table *table, struct rte_mbuf **mbufs,
	unsigned int n);

/* Let time pass, up to a tick. */
void
flow_table_tick(struct flow_table *table, uint32_t now);

#endif /* FLOW_H */
