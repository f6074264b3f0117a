/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright(c) 2026 The fastmem authors
 */

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "packet.h"

#define MAX_VLAN_TAGS 2
#define MAX_EXTENSIONS 8
#define DNS_HEADER 12
#define DNS_NAME_MAX 255
#define DNS_LABEL_MAX 63

/* IPv6 extension headers */
#define EXT_HOP_BY_HOP 0
#define EXT_ROUTING 43
#define EXT_FRAGMENT 44
#define EXT_DESTINATION 60
#define EXT_FRAGMENT_LEN 8

const char * const packet_kind_names[PACKET_N_KINDS] = {
	[PACKET_TCP] = "TCP",
	[PACKET_UDP] = "UDP",
	[PACKET_ICMP] = "ICMP",
	[PACKET_FRAGMENT] = "fragments",
	[PACKET_OTHER] = "other",
	[PACKET_MALFORMED] = "malformed",
};

/* What is left of a packet. */
struct rest {
	const uint8_t *data;
	uint32_t len;
};

/* Take a header off; NULL if there is not that much. */
static const void *
take(struct rest *rest, uint32_t len)
{
	const uint8_t *data = rest->data;

	if (rest->len < len)
		return NULL;
	rest->data += len;
	rest->len -= len;
	return data;
}

static uint16_t
read16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static uint32_t
read32(const uint8_t *data)
{
	return (uint32_t)read16(data) << 16 | read16(data + 2);
}

/* The lower end of a flow comes first, so that both directions agree. */
static void
key_order(struct packet *packet)
{
	struct flow_key *key = &packet->key;
	uint8_t addr[sizeof(key->addr[0])];
	uint16_t port;
	int order;

	packet->dir = 0;
	order = memcmp(key->addr[0], key->addr[1], sizeof(key->addr[0]));
	if (order < 0 || (order == 0 && key->port[0] <= key->port[1]))
		return;
	packet->dir = 1;
	memcpy(addr, key->addr[0], sizeof(addr));
	memcpy(key->addr[0], key->addr[1], sizeof(addr));
	memcpy(key->addr[1], addr, sizeof(addr));
	port = key->port[0];
	key->port[0] = key->port[1];
	key->port[1] = port;
}

static enum packet_kind
parse_tcp(struct rest *rest, struct packet *packet)
{
	const uint8_t *head;
	uint32_t len;

	head = take(rest, sizeof(struct rte_tcp_hdr));
	if (head == NULL)
		return PACKET_MALFORMED;
	packet->key.port[0] = read16(head);
	packet->key.port[1] = read16(head + 2);
	packet->seq = read32(head + 4);
	len = (head[12] >> 4) * 4;
	packet->tcp_flags = head[13];
	if (len < sizeof(struct rte_tcp_hdr) ||
			take(rest, len - sizeof(struct rte_tcp_hdr)) == NULL)
		return PACKET_MALFORMED;
	return PACKET_TCP;
}

static enum packet_kind
parse_udp(struct rest *rest, struct packet *packet)
{
	const uint8_t *head;
	uint32_t len;

	head = take(rest, sizeof(struct rte_udp_hdr));
	if (head == NULL)
		return PACKET_MALFORMED;
	packet->key.port[0] = read16(head);
	packet->key.port[1] = read16(head + 2);
	len = read16(head + 4);
	if (len < sizeof(struct rte_udp_hdr) ||
			len - sizeof(struct rte_udp_hdr) > rest->len)
		return PACKET_MALFORMED;
	rest->len = len - sizeof(struct rte_udp_hdr);
	return PACKET_UDP;
}

/* An echo's identifier is its flow; errors and the like are one flow. */
static enum packet_kind
parse_icmp(struct rest *rest, struct packet *packet)
{
	const uint8_t *head;
	bool echo;

	head = take(rest, sizeof(struct rte_icmp_hdr));
	if (head == NULL)
		return PACKET_MALFORMED;
	echo = packet->key.family == 4 ? head[0] == 0 || head[0] == 8 :
		head[0] == 128 || head[0] == 129;
	if (echo) {
		packet->key.port[0] = read16(head + 4);
		packet->key.port[1] = packet->key.port[0];
	}
	return PACKET_ICMP;
}

static enum packet_kind
parse_l4(struct rest *rest, uint8_t proto, struct packet *packet)
{
	packet->key.proto = proto;
	switch (proto) {
	case IPPROTO_TCP:
		return parse_tcp(rest, packet);
	case IPPROTO_UDP:
		return parse_udp(rest, packet);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return parse_icmp(rest, packet);
	default:
		return PACKET_OTHER;
	}
}

/* A fragment belongs to the others of the same identification and sender. */
static enum packet_kind
parse_fragment(uint32_t id, uint8_t proto, uint32_t offset, bool more,
	const struct rest *rest, struct packet *packet)
{
	packet->key.fragment = 1;
	packet->key.proto = proto;
	packet->key.port[0] = id >> 16;
	packet->key.port[1] = id & UINT16_MAX;
	packet->offset = offset;
	packet->last = !more;
	/* all but the last one have a multiple of 8 bytes */
	if (rest->len == 0 || (more && rest->len % 8 != 0) ||
			offset + rest->len > UINT16_MAX)
		return PACKET_MALFORMED;
	return PACKET_FRAGMENT;
}

static enum packet_kind
parse_ipv4(struct rest *rest, struct packet *packet)
{
	uint32_t head_len, total;
	const uint8_t *head;
	uint16_t offset;

	head = take(rest, sizeof(struct rte_ipv4_hdr));
	if (head == NULL || head[0] >> 4 != 4)
		return PACKET_MALFORMED;
	head_len = (head[0] & 0xf) * 4;
	total = read16(head + 2);
	if (head_len < sizeof(struct rte_ipv4_hdr) || total < head_len ||
			total - sizeof(struct rte_ipv4_hdr) > rest->len ||
			take(rest, head_len - sizeof(struct rte_ipv4_hdr)) ==
			NULL)
		return PACKET_MALFORMED;
	/* without what pads the frame */
	rest->len = total - head_len;
	packet->key.family = 4;
	memcpy(packet->key.addr[0], head + 12, 4);
	memcpy(packet->key.addr[1], head + 16, 4);
	offset = read16(head + 6);
	if ((offset & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return parse_fragment(read16(head + 4), head[9],
			(offset & RTE_IPV4_HDR_OFFSET_MASK) *
				RTE_IPV4_HDR_OFFSET_UNITS,
			(offset & RTE_IPV4_HDR_MF_FLAG) != 0, rest, packet);
	return parse_l4(rest, head[9], packet);
}

static enum packet_kind
parse_ipv6(struct rest *rest, struct packet *packet)
{
	const uint8_t *head, *ext;
	uint16_t offset;
	unsigned int i;
	uint8_t next;
	uint32_t len;

	head = take(rest, sizeof(struct rte_ipv6_hdr));
	if (head == NULL || head[0] >> 4 != 6)
		return PACKET_MALFORMED;
	len = read16(head + 4);
	if (len > rest->len)
		return PACKET_MALFORMED;
	rest->len = len;
	packet->key.family = 6;
	memcpy(packet->key.addr[0], head + 8, 16);
	memcpy(packet->key.addr[1], head + 24, 16);
	next = head[6];
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		if (next == EXT_FRAGMENT) {
			ext = take(rest, EXT_FRAGMENT_LEN);
			if (ext == NULL)
				return PACKET_MALFORMED;
			offset = read16(ext + 2);
			return parse_fragment(read32(ext + 4), ext[0],
				offset & ~7, (offset & 1) != 0, rest, packet);
		}
		if (next != EXT_HOP_BY_HOP && next != EXT_ROUTING &&
				next != EXT_DESTINATION)
			return parse_l4(rest, next, packet);
		ext = take(rest, 8);
		if (ext == NULL || take(rest, ext[1] * 8) == NULL)
			return PACKET_MALFORMED;
		next = ext[0];
	}
	return PACKET_OTHER;
}

static enum packet_kind
parse_ether(struct rest *rest, struct packet *packet)
{
	const uint8_t *head;
	unsigned int i;
	uint16_t type;

	head = take(rest, sizeof(struct rte_ether_hdr));
	if (head == NULL)
		return PACKET_MALFORMED;
	type = read16(head + 12);
	for (i = 0; i < MAX_VLAN_TAGS && (type == RTE_ETHER_TYPE_VLAN ||
			type == RTE_ETHER_TYPE_QINQ); i++) {
		head = take(rest, sizeof(struct rte_vlan_hdr));
		if (head == NULL)
			return PACKET_MALFORMED;
		type = read16(head + 2);
	}
	if (type == RTE_ETHER_TYPE_IPV4)
		return parse_ipv4(rest, packet);
	if (type == RTE_ETHER_TYPE_IPV6)
		return parse_ipv6(rest, packet);
	return PACKET_OTHER;
}

void
packet_parse(const struct rte_mbuf *mbuf, struct packet *packet)
{
	struct rest rest = {
		.data = rte_pktmbuf_mtod(mbuf, const uint8_t *),
		.len = rte_pktmbuf_data_len(mbuf),
	};

	memset(&packet->key, 0, sizeof(packet->key));
	packet->bytes = rte_pktmbuf_pkt_len(mbuf);
	packet->kind = mbuf->nb_segs == 1 ? parse_ether(&rest, packet) :
		PACKET_OTHER;
	packet->payload = rest.data;
	packet->payload_len = rest.len;
	/* fragments go one way */
	packet->dir = 0;
	if (packet->kind == PACKET_TCP || packet->kind == PACKET_UDP ||
			packet->kind == PACKET_ICMP)
		key_order(packet);
}

int
packet_parse_dns(const uint8_t *data, uint32_t len, uint16_t *id,
	bool *response, const uint8_t **name)
{
	uint32_t pos = DNS_HEADER;

	if (len < DNS_HEADER || read16(data + 4) == 0)
		return -1;
	*id = read16(data);
	*response = (data[2] & 0x80) != 0;
	*name = data + DNS_HEADER;
	while (pos < len && data[pos] != 0) {
		/* a question's name is not compressed */
		if (data[pos] > DNS_LABEL_MAX)
			return -1;
		pos += 1 + data[pos];
	}
	/* the zero at its end, type and class */
	if (pos >= len || len - pos < 5 || pos + 1 - DNS_HEADER > DNS_NAME_MAX)
		return -1;
	return pos + 1 - DNS_HEADER;
}
