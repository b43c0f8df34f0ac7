/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip.h - IP addresses, prefixes, ranges and the algebra of address sets. */
#ifndef MSB_IP_H
#define MSB_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/* Addresses are numbers here: an interval of them is two numbers, and every
 * question about prefixes is arithmetic on intervals. 128 bits hold both
 * families; the compilers that the project supports have them. */
__extension__ typedef unsigned __int128 ip_num;

/** enum ip_family - Address family, by its version number */
enum ip_family {
	IP_V4 = 4,
	IP_V6 = 6,
};

/** IP_TEXT_MAX - Room for any address, prefix or range as text, with NUL */
#define IP_TEXT_MAX 96

/**
 * struct ip - One address
 * @family:	family; 0 means "no address"
 * @num:	the address as a number, first octet most significant; an IPv4
 *		address is in the low 32 bits
 */
struct ip {
	enum ip_family family;
	ip_num num;
};

/**
 * struct ip_range - The addresses from @lo to @hi, both included
 * @family:	family of both ends
 * @lo:		first address
 * @hi:		last address, not below @lo
 */
struct ip_range {
	enum ip_family family;
	ip_num lo;
	ip_num hi;
};

/**
 * struct ip_set - A set of addresses in normal form
 * @v:	ranges, ascending by family, then address; disjoint, not adjacent
 * @n:	number of ranges
 *
 * Equal sets have equal arrays.
 */
struct ip_set {
	struct ip_range *v;
	size_t n;
};

/** ip_bits() - Bits of an address of @family: 32 or 128 */
unsigned int ip_bits(enum ip_family family);

/** ip_max() - Highest address of @family, as a number */
ip_num ip_max(enum ip_family family);

/** ip4() - The IPv4 address a.b.c.d */
struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/**
 * ip_parse() - Read an IPv4 or IPv6 literal
 * @text:	text, NUL-terminated; no zone, no brackets, no leading zeros in
 *		the octets of an IPv4 address
 * @ret:	address, set on success only; ::ffff:a.b.c.d stays IPv6
 *
 * Return: true if @text is an address
 */
bool ip_parse(const char *text, struct ip *ret)
	__attribute__((warn_unused_result));

/**
 * ip_parse_prefix() - Read ADDRESS/LENGTH
 * @text:	text, NUL-terminated
 * @ret:	the addresses of the prefix, host bits cleared; set on success
 * @ret_masked:	whether host bits were set in @text; may be NULL
 *
 * Return: true if @text is a prefix
 */
bool ip_parse_prefix(const char *text, struct ip_range *ret, bool *ret_masked)
	__attribute__((warn_unused_result));

/** ip_from_bytes() - Address from 4 (IPv4) or 16 (IPv6) network-order bytes */
struct ip ip_from_bytes(enum ip_family family, const uint8_t *bytes);

/** ip_to_bytes() - Write 4 or 16 network-order bytes; returns how many */
size_t ip_to_bytes(struct ip ip, uint8_t bytes[16]);

/** ip_equal() - Same family and address */
bool ip_equal(struct ip a, struct ip b);

/** ip_is_mapped() - Whether @ip is in ::ffff:0:0/96 (RFC 4291 §2.5.5.2) */
bool ip_is_mapped(struct ip ip);

/** ip_unmap() - The IPv4 address inside ::ffff:0:0/96; any other unchanged */
struct ip ip_unmap(struct ip ip);

/** ip_range_unmap() - A range inside ::ffff:0:0/96 as IPv4; else unchanged */
struct ip_range ip_range_unmap(struct ip_range r);

/** ip_format() - Write @ip as RFC 5952 text; returns @buf */
const char *ip_format(struct ip ip, char buf[IP_TEXT_MAX]);

/**
 * ip_range_format() - Write a range in its shortest form
 * @r:		range
 * @buf:	receives ADDRESS, ADDRESS/LENGTH or FIRST-LAST, as nft lists it
 *
 * Return: @buf
 */
const char *ip_range_format(struct ip_range r, char buf[IP_TEXT_MAX]);

/** ip_single() - The range that holds @ip alone */
struct ip_range ip_single(struct ip ip);

/** ip_prefix() - The prefix of @len bits that holds @ip */
struct ip_range ip_prefix(struct ip ip, unsigned int len);

/**
 * ip_range_prefix_len() - Whether a range is a prefix
 * @r:	range
 *
 * Return: its length in bits, -1 if the range is no prefix
 */
int ip_range_prefix_len(struct ip_range r);

/** ip_range_has() - Whether @ip is in @r */
bool ip_range_has(struct ip_range r, struct ip ip);

/** ip_range_overlap() - Whether the ranges share an address */
bool ip_range_overlap(struct ip_range a, struct ip_range b);

/**
 * ip_set_from() - Normalise a list of ranges
 * @a:	arena for the result
 * @v:	ranges, in any order, overlapping or not
 * @n:	number of ranges
 *
 * Return: their union. Time n log n.
 */
struct ip_set ip_set_from(struct arena *a, const struct ip_range *v, size_t n);

/** ip_set_union() - Addresses in @x or @y; linear */
struct ip_set ip_set_union(struct arena *a, struct ip_set x, struct ip_set y);

/** ip_set_minus() - Addresses in @x but not in @y; linear */
struct ip_set ip_set_minus(struct arena *a, struct ip_set x, struct ip_set y);

/** ip_set_family() - The part of @s that is of @family; shares its array */
struct ip_set ip_set_family(struct ip_set s, enum ip_family family);

/** ip_set_has() - Whether @ip is in @s; logarithmic */
bool ip_set_has(struct ip_set s, struct ip ip);

/** ip_set_covers() - Whether all of @r is in @s; logarithmic */
bool ip_set_covers(struct ip_set s, struct ip_range r);

#endif
