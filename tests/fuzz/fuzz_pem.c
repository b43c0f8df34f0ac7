/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_pem.c - Any bytes as a file of certificates and keys. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "authority.h"
#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Within 2050 and 2000: somewhere in it most certificates are valid. */
#define NOW INT64_C(1800000000)

static void inside(struct der_view whole, struct der_view part)
{
	MUST(!part.len ||
	     (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void check_cert(struct der_view der)
{
	struct x509 x = {0};
	const char *why = x509_read(der, &x);
	STR(name);

	if (why) {
		MUST(*why);
		return;
	}
	inside(der, x.subject);
	inside(der, x.issuer);
	inside(der, x.spki);
	inside(x.spki, x.algorithm);
	inside(x.spki, x.curve);
	inside(x.spki, x.key);
	inside(der, x.key_id);
	x509_name_text(&name, x.subject);
	MUST((key_kind_of(&x, &why) == KEY_NONE) == (why != NULL));
}

static void read_blocks(const char *text, size_t len)
{
	uint8_t room[4096];
	struct pem p = {
		.text = text,
		.len = len,
		.room = room,
		.size = sizeof(room),
	};
	enum pem_found found;

	while ((found = pem_next(&p)) == PEM_BLOCK) {
		/* An exact copy: a read past the end is then seen. */
		uint8_t *copy = malloc(p.der.len);

		MUST(copy && p.der.len && p.der.len <= sizeof(room));
		memcpy(copy, p.der.p, p.der.len);
		check_cert((struct der_view){copy, p.der.len});
		free(copy);
	}
	MUST(found == PEM_END || (p.why && *p.why));
}

static void read_authority(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct authority *a = authority_new();
	char why[AUTHORITY_WHY_MAX] = "";

	MUST(a && fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (authority_read_cert(a, fd, NOW, why)) {
		MUST(a->kind != KEY_NONE && a->id.len && a->cert.ca);
		if (authority_read_key(a, fd, why))
			MUST(a->key.kind == a->kind);
		else
			MUST(*why && a->key.kind == KEY_NONE);
	} else {
		MUST(*why);
		/* The key alone. */
		MUST(!key_read(&a->key, fd) == (a->key.kind != KEY_NONE));
	}
	authority_free(a);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	MUST(text && key_library());
	if (size)
		memcpy(text, data, size);
	read_blocks(text, size);
	free(text);
	read_authority(data, size);
	return 0;
}
