/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_fd.h - The descriptors that msb-tlsd is given with a configuration. */
#ifndef MSB_TLS_FD_H
#define MSB_TLS_FD_H

/**
 * enum tls_fd - Descriptors of a configuration, by their number in SOCKETS
 * @TLS_TCP4:		listening TCP socket of the gateway's namespace, bound
 *			to TABLE_TLS_PORT of any address, with IP_TRANSPARENT:
 *			the flows that msb-tlsd carries are steered to it
 * @TLS_TCP6:		likewise, IPv6 only
 * @TLS_NETLINK:	NETLINK_NETFILTER socket of the gateway's namespace, to
 *			look pins up; the worker never has it
 * @TLS_NAMES:		the table of denied names (names.h), if tls.json has
 *			"Names"; the monitor's
 * @TLS_ROOTS:		certificates that upstream servers are verified with, as
 *			PEM: those of the system, then UpstreamCACerts, with
 *			their revocation lists; only with interception
 * @TLS_CA_CERT:	the interception CA's certificate, as PEM, with what it
 *			is issued by, if that is in the file; likewise
 * @TLS_CA_KEY:		its key, as PEM; the signer's, and nobody else's;
 *			likewise
 * @TLS_SECRETS:	the secrets' values (values.h), if tls.json has Secrets;
 *			the worker's alone
 */
enum tls_fd {
	TLS_TCP4,
	TLS_TCP6,
	TLS_NETLINK,
	TLS_NAMES,
	TLS_ROOTS,
	TLS_CA_CERT,
	TLS_CA_KEY,
	TLS_SECRETS,
	TLS_FD_COUNT,
};

#endif
