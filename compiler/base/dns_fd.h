/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_fd.h - The descriptors that msb-dnsd is given with a configuration. */
#ifndef MSB_DNS_FD_H
#define MSB_DNS_FD_H

/**
 * enum dns_fd - Descriptors of a configuration, by their number in SOCKETS
 * @DNS_UDP4:		UDP socket of the gateway's namespace, bound to port 53
 *			of any address, with IP_TRANSPARENT: queries are steered
 *			to it, and answers leave from the address that was asked
 * @DNS_UDP6:		likewise, IPv6 only
 * @DNS_TCP4:		listening TCP socket, likewise
 * @DNS_TCP6:		likewise, IPv6 only
 * @DNS_NETLINK:	NETLINK_NETFILTER socket of the gateway's namespace; the
 *			worker never has it
 * @DNS_NAMES:		the table of denied names (names.h), if dns.json has
 *			"Names"
 * @DNS_RESOLV:		a file with the host's resolv.conf, see
 *			dns_conf_servers(); only needed without "Nameservers",
 *			or if a host name is among them
 */
enum dns_fd {
	DNS_UDP4,
	DNS_UDP6,
	DNS_TCP4,
	DNS_TCP6,
	DNS_NETLINK,
	DNS_NAMES,
	DNS_RESOLV,
	DNS_FD_COUNT,
};

/** DNS_RESOLV_MAX - Octets of resolv.conf that are read */
#define DNS_RESOLV_MAX 65536

/* Lines that stand behind those of the file, about host names in Nameservers; N
 * is a name's place there. */

/** DNS_RESOLV_HOST - "msb-nameserver N ADDRESS": an address that it has */
#define DNS_RESOLV_HOST "msb-nameserver "

/** DNS_RESOLV_NAME - "msb-name N NAME": the name */
#define DNS_RESOLV_NAME "msb-name "

/** DNS_RESOLV_FIXED - "msb-fixed N": its addresses are from hosts(5) */
#define DNS_RESOLV_FIXED "msb-fixed "

#endif
