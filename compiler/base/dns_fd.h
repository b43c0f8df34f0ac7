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

/** DNS_RESOLV_HOST - Begins a line that has an address of a name server that
 * the document names: "msb-nameserver N ADDRESS", N its place there
 */
#define DNS_RESOLV_HOST "msb-nameserver "

#endif
