/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca_exit.h - What msb-ca tells msb-netc by its exit status. */
#ifndef MSB_CA_EXIT_H
#define MSB_CA_EXIT_H

/**
 * enum ca_exit - Exit statuses of msb-ca
 * @CA_GOOD:	done
 * @CA_CERT:	the certificate is refused; standard error says why
 * @CA_USAGE:	its command line is wrong
 * @CA_SYSTEM:	the system would not; standard error says what
 * @CA_KEY:	the key is refused; standard error says why
 */
enum ca_exit {
	CA_GOOD = 0,
	CA_CERT = 1,
	CA_USAGE = 2,
	CA_SYSTEM = 3,
	CA_KEY = 4,
};

#endif
