/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_certs.h - The certificates that a guest is to trust.
 *
 * They are part of a sandbox's state, guest/ca.pem and guest/host-cas.pem, and
 * no part of what is compiled: they are the host's, and of the moment.
 */
#ifndef MSB_GUEST_CERTS_H
#define MSB_GUEST_CERTS_H

#include "ca.h"
#include "compile.h"

/** GUEST_CA, GUEST_HOST_CAS - Their files, below a sandbox's directory */
#define GUEST_CA       "guest/ca.pem"
#define GUEST_HOST_CAS "guest/host-cas.pem"

/** guest_certs_bundles - Files in which systems have all that they trust; the
 * host's own is the first, the last is NULL
 */
extern const char *const guest_certs_bundles[];

/** guest_certs_dirs - Directories in which systems have them one a file, by
 * hashes of their names; the last is NULL
 */
extern const char *const guest_certs_dirs[];

/**
 * struct guest_certs - Certificates for a guest
 * @ca:		the CA of TLS interception; without text if nothing is
 *		intercepted
 * @host:	the CAs that the host trusts; without text if the guest is not
 *		to trust them
 */
struct guest_certs {
	struct ca_text ca;
	struct ca_text host;
};

/**
 * guest_certs_read() - Read what a document wants its guest to trust
 * @a:		arena for the texts
 * @c:		what is compiled
 * @ca:		descriptor of the CA's certificate; -1: nothing is intercepted,
 *		or the CA is not there yet
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @ret:	set on success
 * @e:		error; refused if the host trusts nobody
 *
 * The host trusts what is in its bundle, MSB_CA_BUNDLE, and in its directories
 *of certificates. What lies where a tool would take it from, and was not taken,
 *its programs do not trust either.
 *
 * Return: 0, -1 on failure
 */
int guest_certs_read(struct arena *a, const struct compiled *c, int ca,
		     const char *helpers, struct guest_certs *ret,
		     struct live_error *e);

#endif
