/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_certificate.c - Any octets as a certificate, and as what one limits.
 *
 * What is read lies within; a name is as good in capitals; and constraints say
 * the same where they were copied to, as those of roots are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const uint8_t small[] = "\3api\7example\3com";
static const uint8_t large[] = "\3API\7EXAMPLE\3COM";

static void inside(struct der_view whole, const uint8_t *p, size_t len)
{
	MUST(!len || (p >= whole.p && p + len <= whole.p + whole.len));
}

static void ask(const struct constraints *c)
{
	const struct dname name = {small, sizeof(small)};
	const struct dname capitals = {large, sizeof(large)};
	const struct dname none = {0};
	const struct ip ips[] = {ip4(10, 0, 0, 1), {IP_V6, 1}};
	const bool may = constraints_permit(c, name, ips[0]);
	uint8_t *const copy = malloc(c->names.len + 1);
	struct constraints copied = *c;

	MUST(copy);
	if (c->names.len)
		memcpy(copy, c->names.p, c->names.len);
	copied.names.p = copy;
	MUST(constraints_permit(c, capitals, ips[0]) == may);
	MUST(constraints_permit(&copied, name, ips[1]) == may);
	for (size_t k = 0; k < sizeof(ips) / sizeof(ips[0]); k++)
		MUST(constraints_permit(c, none, ips[k]) ==
		     constraints_permit(&copied, none, ips[k]));
	MUST(c->names.len || may);
	free(copy);
}

static void take_certificate(struct der_view der)
{
	struct certificate c;

	if (!certificate_read(der.p, der.len, &c))
		return;
	inside(der, c.issuer, c.issuer_len);
	inside(der, c.subject, c.subject_len);
	inside(der, c.names, c.names_len);
	inside(der, c.serial.p, c.serial.len);
	inside(der, c.key.spki.p, c.key.spki.len);
	inside(der, c.limits.names.p, c.limits.names.len);
	MUST(certificate_is_for_name(&c,
				     (struct dname){small, sizeof(small)}) ==
	     certificate_is_for_name(&c, (struct dname){large, sizeof(large)}));
	(void)certificate_is_for_address(&c, ip4(10, 0, 0, 1));
	ask(&c.limits);
}

static void take_constraints(struct der_view value)
{
	struct constraints c;
	bool ca;

	constraints_begin(&c);
	(void)!constraints_take_purposes(&c, value);
	(void)!constraints_take_basic(&c, value, &ca);
	if (constraints_take_names(&c, value))
		ask(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long, so that a look behind its end is seen. */
	uint8_t *const copy = malloc(size + 1);
	uint8_t *const at = copy ? copy + 1 : NULL;

	MUST(copy);
	if (size)
		memcpy(at, data, size);
	take_certificate((struct der_view){at, size});
	take_constraints((struct der_view){at, size});
	free(copy);
	return 0;
}
