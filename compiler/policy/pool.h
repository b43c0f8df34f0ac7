/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool.h - Slots: the addresses that one sandbox gets from the pools. */
#ifndef MSB_POOL_H
#define MSB_POOL_H

#include <stdint.h>

#include "ip.h"

/** POOL_MAX_SLOT - Highest slot; its number is two octets of the MAC address */
#define POOL_MAX_SLOT 65535u

/**
 * struct slot - Addresses of one sandbox
 * @number:	slot, 0 to POOL_MAX_SLOT
 * @net4:	the slot's /30
 * @net6:	the slot's /64
 * @gw4:	gateway, first address of @net4
 * @guest4:	guest, second address of @net4
 * @gw6:	gateway, ::1 of @net6
 * @guest6:	guest, ::2 of @net6
 * @guest_mac:	02:6d:73:HH:LL:02
 * @gw_mac:	02:6d:73:HH:LL:01, the gateway's side of the guest's link
 */
struct slot {
	uint32_t number;
	struct ip_range net4;
	struct ip_range net6;
	struct ip gw4;
	struct ip guest4;
	struct ip gw6;
	struct ip guest6;
	uint8_t guest_mac[6];
	uint8_t gw_mac[6];
};

/**
 * pool_slots() - How many slots both pools have
 * @pool4:	IPv4 prefix, /30 or shorter
 * @pool6:	IPv6 prefix, /64 or shorter
 *
 * Return: 1 to POOL_MAX_SLOT + 1
 */
uint32_t pool_slots(struct ip_range pool4, struct ip_range pool6);

/**
 * pool_slot() - Addresses of one slot
 * @pool4:	IPv4 prefix, /30 or shorter
 * @pool6:	IPv6 prefix, /64 or shorter
 * @number:	slot, below pool_slots()
 *
 * Return: the slot's addresses, a function of the arguments alone
 */
struct slot pool_slot(struct ip_range pool4, struct ip_range pool6,
		      uint32_t number);

#endif
