/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool.c - Slots: the addresses that one sandbox gets from the pools. */
#include "pool.h"

#include <assert.h>
#include <string.h>

#define POOL_LEN4 30u
#define POOL_LEN6 64u

/* Slots in a pool whose slots are prefixes of @len bits. */
static uint32_t pool_count(struct ip_range pool, unsigned int len)
{
	int pool_len = ip_range_prefix_len(pool);

	assert(pool_len >= 0 && (unsigned int)pool_len <= len);
	if (len - (unsigned int)pool_len > 16)
		return POOL_MAX_SLOT + 1;
	return 1u << (len - (unsigned int)pool_len);
}

uint32_t pool_slots(struct ip_range pool4, struct ip_range pool6)
{
	uint32_t n4 = pool_count(pool4, POOL_LEN4);
	uint32_t n6 = pool_count(pool6, POOL_LEN6);

	return n4 < n6 ? n4 : n6;
}

struct slot pool_slot(struct ip_range pool4, struct ip_range pool6,
		      uint32_t number)
{
	const uint8_t hi = (uint8_t)(number >> 8), lo = (uint8_t)number;
	const uint8_t guest_mac[6] = {0x02, 0x6d, 0x73, hi, lo, 0x02};
	const uint8_t gw_mac[6] = {0x02, 0x6d, 0x73, hi, lo, 0x01};
	struct ip base4 = {IP_V4, pool4.lo + ((ip_num)number << 2)};
	struct ip base6 = {IP_V6, pool6.lo + ((ip_num)number << 64)};
	struct slot s = {
		.number = number,
		.net4 = ip_prefix(base4, POOL_LEN4),
		.net6 = ip_prefix(base6, POOL_LEN6),
		.gw4 = {IP_V4, base4.num + 1},
		.guest4 = {IP_V4, base4.num + 2},
		.gw6 = {IP_V6, base6.num + 1},
		.guest6 = {IP_V6, base6.num + 2},
	};

	assert(number < pool_slots(pool4, pool6));
	memcpy(s.guest_mac, guest_mac, sizeof(s.guest_mac));
	memcpy(s.gw_mac, gw_mac, sizeof(s.gw_mac));
	return s;
}
