/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca.h - The CA of TLS interception, and the roots that servers are verified
 * with, as msb-tlsd is given them.
 *
 * Certificates are read by msb-ca (helpers/tls/ca_main.c), which is linked with
 * what reads them. It is given copies that nobody can change any more, and so
 * is msb-tlsd: what was checked is what is used.
 */
#ifndef MSB_CA_H
#define MSB_CA_H

#include "config.h"
#include "live_error.h"
#include "state.h"

/** enum ca_part - The two descriptors of a CA */
enum ca_part {
	CA_PART_CERT,
	CA_PART_KEY,
	CA_PARTS,
};

/**
 * ca_open() - Open the CA of a sandbox, and check it
 * @s:		state directory, made if it was missing
 * @tls:	CACert and CAKey; without them it is the generated CA of the
 *		state directory, which is made if there is none yet
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @ret:	descriptors by enum ca_part; set on success
 * @e:		error: for what the document names, its text begins with the
 *		pointer
 *
 * A file of certificates may have a key in it. The descriptor does not.
 *
 * Return: 0, -1 on failure
 */
int ca_open(const struct state *s, const struct config_tls *tls,
	    const char *helpers, int ret[CA_PARTS], struct live_error *e);

/**
 * ca_roots() - What servers' certificates are verified with
 * @tls:	UpstreamCACerts, checked
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @e:		error, likewise
 *
 * The host's certificates first, then those of the document, and revocation
 * lists where its files have them. It is an error if there are none and servers
 * are to be verified.
 *
 * Return: descriptor of PEM text, -1 on failure
 */
int ca_roots(const struct config_tls *tls, const char *helpers,
	     struct live_error *e);

/**
 * struct ca_text - CAs as text
 * @text:	their certificates as PEM and nothing else, each once; NULL if
 *		there is no such text
 * @len:	octets
 * @hashes:	by which OpenSSL looks for the first of them in a directory:
 *		words of eight digits, in their order; "-" for one that is not
 *		known. "" if there are none
 * @cas:	how many
 * @others:	certificates that were left out because they are no CA's
 * @unreadable:	what was left out because it cannot be read
 */
struct ca_text {
	const char *text;
	size_t len;
	const char *hashes;
	unsigned int cas;
	unsigned int others;
	unsigned int unreadable;
};

/**
 * ca_collect() - Take the CAs out of a file, whatever else is in it
 * @a:		arena for the text
 * @fd:		descriptor of a file
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @ret:	set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ca_collect(struct arena *a, int fd, const char *helpers,
	       struct ca_text *ret, struct live_error *e);

/**
 * enum ca_action - What can be done with a generated CA
 * @CA_PRINT:		say what its certificate says
 * @CA_PRINT_JSON:	the same, as JSON
 * @CA_EXPORT:		write its certificate, PEM; it is made if there is none
 * @CA_EXPORT_DER:	the same, DER
 * @CA_ROTATE:		make another one, then print it
 * @CA_ROTATE_JSON:	the same, as JSON
 */
enum ca_action {
	CA_PRINT,
	CA_PRINT_JSON,
	CA_EXPORT,
	CA_EXPORT_DER,
	CA_ROTATE,
	CA_ROTATE_JSON,
};

/**
 * ca_act() - Do it, with the report on standard output
 * @s:		state directory
 * @action:	what
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ca_act(const struct state *s, enum ca_action action, const char *helpers,
	   struct live_error *e);

#endif
