/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_certificate.c - Certificates by whoever sent them: names, and nonsense.
 */
#include "certificate.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authority.h"

static uint8_t der[2048];
static size_t der_len;

static void setup(void)
{
	const uint8_t name[] = "\3api\7example\3com";
	const struct leaf_subject subject = {
		.name = {name, sizeof(name)},
	};
	struct authority *const a = authority_new();
	struct der d = {.data = der, .room = sizeof(der)};
	uint8_t point[CERT_POINT];
	int64_t until;

	cr_assert(a && key_library());
	cr_assert(authority_make(a, time(NULL)));
	cr_assert(key_point(&a->key, point));
	cr_assert(authority_leaf(a, &subject, point, time(NULL), &d, &until));
	der_len = d.len;
	authority_free(a);
}

TestSuite(certificate, .init = setup);

Test(certificate, is_read)
{
	const uint8_t name[] = "\3API\7example\3com";
	const uint8_t other[] = "\3apj\7example\3com";
	const uint8_t longer[] = "\1x\3api\7example\3com";
	struct certificate c;

	cr_assert(certificate_read(der, der_len, &c));
	cr_assert_not(c.weak);
	cr_assert_not(c.self_issued);
	cr_assert(certificate_is_for_name(&c,
					  (struct dname){name, sizeof(name)}));
	cr_assert_not(certificate_is_for_name(
		&c, (struct dname){other, sizeof(other)}));
	cr_assert_not(certificate_is_for_name(
		&c, (struct dname){longer, sizeof(longer)}));
	cr_assert_not(certificate_is_for_address(&c, ip4(127, 0, 0, 1)));
}

/* On the heap, and exactly as long: a look behind its end is seen. */
static bool read_copy(size_t len, struct certificate *ret)
{
	uint8_t *const copy = malloc(len ? len : 1);
	const uint8_t name[] = "\3api\7example\3com";
	bool ok;

	cr_assert(copy);
	memcpy(copy, der, len);
	ok = certificate_read(copy, len, ret);
	if (ok)
		(void)certificate_is_for_name(
			ret, (struct dname){name, sizeof(name)});
	free(copy);
	return ok;
}

Test(certificate, cut_off)
{
	struct certificate c;

	for (size_t len = 0; len < der_len; len++)
		cr_assert_not(read_copy(len, &c), "%zu octets", len);
}

Test(certificate, each_octet_changed)
{
	struct certificate c;
	size_t good = 0;

	for (size_t k = 0; k < der_len; k++) {
		const uint8_t was = der[k];

		for (unsigned int bit = 0; bit < 8; bit++) {
			der[k] = (uint8_t)(was ^ 1u << bit);
			good += read_copy(der_len, &c);
		}
		der[k] = was;
	}
	/* Values may be anything, lengths and tags may not. */
	cr_assert(good > 0 && good < der_len * 8);
}
