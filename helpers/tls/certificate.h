/* SPDX-License-Identifier: GPL-2.0-or-later */
/* certificate.h - What a server's certificate says beside its chain. */
#ifndef MSB_CERTIFICATE_H
#define MSB_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "constraints.h"
#include "der.h"
#include "dname.h"
#include "ip.h"
#include "revoked.h"

/**
 * struct certificate - Parts of an X.509 certificate (RFC 5280 section 4.1)
 * @self_issued:	subject and issuer are the same octets
 * @weak:		signed with MD2, MD5 or SHA-1
 * @signs:		its key may sign: there is no keyUsage, or one with
 *			digitalSignature
 * @issuer:		issuer's name: DER, without its header
 * @issuer_len:		octets
 * @subject:		subject's name
 * @subject_len:	octets
 * @names:		subjectAltName's GeneralNames; NULL: it has none
 * @names_len:		octets
 * @serial:		serial number, an INTEGER's contents
 * @key:		its key, and whether that may sign lists
 * @limits:		what it may issue, if it is a CA's
 *
 * The pointers are into the certificate.
 */
struct certificate {
	bool self_issued;
	bool weak;
	bool signs;
	const uint8_t *issuer;
	size_t issuer_len;
	const uint8_t *subject;
	size_t subject_len;
	const uint8_t *names;
	size_t names_len;
	struct der_view serial;
	struct issuer_key key;
	struct constraints limits;
};

/**
 * certificate_read() - Read a certificate
 * @der:	DER
 * @len:	octets
 * @ret:	what it says; set on success
 *
 * Neither signature nor key nor dates are looked at: wolfSSL does that.
 */
bool certificate_read(const uint8_t *der, size_t len, struct certificate *ret)
	__attribute__((warn_unused_result));

/**
 * certificate_is_for_name() - Whether one of its dNSNames is @name
 *
 * By RFC 6125 section 6.4: labels are compared without case; "*" alone, as the
 * leftmost label, stands for any one label, where two others follow. A dot at
 * the end makes it no name (RFC 5280 section 4.2.1.6, and RFC 1034
 * section 3.5): by one it would be out of what is excluded. The subject's
 * common name is no name of a host (section 6.4.4 is long past).
 */
bool certificate_is_for_name(const struct certificate *c, struct dname name);

/** certificate_is_for_address() - Whether one of its iPAddresses is @ip */
bool certificate_is_for_address(const struct certificate *c, struct ip ip);

#endif
