/* SPDX-License-Identifier: GPL-2.0-or-later */
/* leaf_tool.c - Signs leaves as the signer does, for other programs to read.
 *
 *	leaf_tool CERT KEY POINT TIME SUBJECT...
 *
 * POINT is the leaf's public key, hexadecimal; TIME how many seconds from now
 * on it is when they are signed. A subject is an address or a name. For each
 * the leaf is written as PEM, or "refused". It signs in the signer's confines,
 * so that whatever the library does with any kind of key is allowed there.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authority.h"
#include "pem.h"
#include "signer_calls.h"

static bool read_point(const char *text, uint8_t ret[CERT_POINT])
{
	unsigned int v;

	if (strlen(text) != 2 * (size_t)CERT_POINT)
		return false;
	for (size_t i = 0; i < CERT_POINT; i++) {
		if (sscanf(text + 2 * i, "%2x", &v) != 1)
			return false;
		ret[i] = (uint8_t)v;
	}
	return true;
}

static bool read_subject(struct arena *a, const char *text,
			 struct leaf_subject *ret)
{
	*ret = (struct leaf_subject){0};
	if (inet_pton(AF_INET, text, ret->address) == 1)
		ret->address_len = 4;
	else if (inet_pton(AF_INET6, text, ret->address) == 1)
		ret->address_len = 16;
	else
		return !dname_from_presentation(a, text, &ret->name);
	return true;
}

static void sign(struct authority *ca, const char *text,
		 const uint8_t point[CERT_POINT], int64_t now)
{
	uint8_t der[2048];
	char pem[PEM_ROOM(sizeof(der))];
	struct der d = {.data = der, .room = sizeof(der)};
	struct leaf_subject subject;
	int64_t until;
	ARENA(a);

	if (!read_subject(&a, text, &subject) ||
	    !authority_leaf(ca, &subject, point, now, &d, &until)) {
		puts("refused");
		return;
	}
	pem_write(pem, PEM_CERTIFICATE, der, d.len);
	printf("until %lld\n%s", (long long)until, pem);
}

int main(int argc, char **argv)
{
	static char room[1 << 16];
	struct authority *ca = authority_new();
	const int64_t now = time(NULL);
	char why[AUTHORITY_WHY_MAX];
	uint8_t point[CERT_POINT];
	int cert, key;

	if (argc < 5 || !ca || !key_library() || !read_point(argv[3], point))
		return 2;
	cert = open(argv[1], O_RDONLY | O_CLOEXEC);
	key = open(argv[2], O_RDONLY | O_CLOEXEC);
	/* With room of its own the stream does not ask what it writes to, which
	 * the signer may not. */
	if (setvbuf(stdout, room, _IOFBF, sizeof(room)) || signer_confine())
		return 2;
	if (!authority_read_cert(ca, cert, now, why) ||
	    !authority_read_key(ca, key, why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (int i = 5; i < argc; i++)
		sign(ca, argv[i], point, now + strtoll(argv[4], NULL, 10));
	authority_free(ca);
	close(cert);
	close(key);
	return 0;
}
