/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#ifndef PACKET_H
#define PACKET_H

/*
 * What a packet is about. Nothing in it is trusted.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum packet_kind {
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP,
	PACKET_FRAGMENT,
	PACKET_OTHER,     /* nothing that flows are made of */
	PACKET_MALFORMED, /* lengths that contradict each other */
	PACKET_N_KINDS
};

extern const char * const packet_kind_names[PACKET_N_KINDS];

/* What the packets of a flow, in both directions, have in common. */
struct flow_key {
	uint8_t addr[2][16];
	uint16_t port[2]; /* of fragments: identification */
	uint8_t proto;
	uint8_t family;   /* 4 or 6 */
	uint8_t fragment; /* 1 for fragments */
	uint8_t zero;
};

struct packet {
	struct flow_key key;
	enum packet_kind kind;
	uint8_t dir;          /* index of the sender in the key */
	uint32_t bytes;       /* on the wire */
	const uint8_t *payload;
	uint32_t payload_len; /* of a fragment: what it has of the whole */
	/* TCP */
	uint8_t tcp_flags;
	uint32_t seq;
	/* fragments */
	uint32_t offset;
	bool last;
};

/* Parse a packet; of the members above, those of its kind are set. */
void
packet_parse(const struct rte_mbuf *mbuf, struct packet *packet);

/* Find the name and the kind of a DNS message.
 *
 * Returns the length of the encoded name, which is at *name, or -1 if this is
 * not a proper message with a question.
 */
int
packet_parse_dns(const uint8_t *data, uint32_t len, uint16_t *id,
	bool *response, const uint8_t **name);

#endif /* PACKET_H */
