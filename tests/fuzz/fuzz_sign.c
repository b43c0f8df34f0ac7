/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_sign.c - Any bytes as a request to the signer, which holds a CA: what it
 * signs is a leaf for what was asked, and permitted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "eval.h"
#include "pem.h"
#include "sign.h"
#include "tls_fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#define NOW INT64_C(1800000000)

static const char conf[] =
	"{\"Version\":1,\"Name\":\"t\",\"Gateway4\":\"172.16.0.1\","
	"\"Gateway6\":\"fd42:6d73:62::1\",\"Guest4\":\"172.16.0.2\","
	"\"Guest6\":\"fd42:6d73:62::2\",\"DNS\":\"helper\",\"Port\":61441,"
	"\"Rules\":[{\"Action\":\"deny\",\"Destination\":\"a.example\"},"
	"{\"Action\":\"deny\",\"Destination\":\"198.51.100.0/24\"}],"
	"\"DefaultEgress\":\"allow\","
	"\"Intercept\":{\"Ports\":[443],\"Bypass\":[\"*.b.example\"]}}";

static int fd_of(const char *text, size_t len)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	return fd;
}

static struct sign signer;

/* Memory of a CA is none that a leak checker looks into. */
static void clean_up(void)
{
	sign_free(&signer);
}

static void set_up(struct sign *s)
{
	char reason[CONF_REASON_MAX], text[PEM_ROOM(AUTHORITY_DER_MAX)];
	struct authority *a = authority_new();
	uint8_t der[KEY_DER_MAX];
	size_t len;

	MUST(key_library() && a && authority_make(a, NOW) && sign_init(s));
	s->next.conf = tls_conf_decode(&s->next.given.arena, conf,
				       sizeof(conf) - 1, reason);
	MUST(s->next.conf);
	len = pem_write(text, PEM_CERTIFICATE, a->der, a->der_len);
	s->next.given.fd[TLS_CA_CERT] = fd_of(text, len);
	len = key_export(&a->key, der);
	len = pem_write(text, "PRIVATE KEY", der, len);
	s->next.given.fd[TLS_CA_KEY] = fd_of(text, len);
	MUST(sign_ready(s, NOW));
	sign_commit(s);
	authority_free(a);
}

static void check_leaf(const struct sign *s, const struct tlsd_sign *ask,
		       const struct tlsd_signed *got)
{
	const struct dname name = {ask->name, ask->name_len};
	struct x509 x;

	MUST(got->len <= sizeof(got->der) && got->until > NOW);
	MUST(!x509_read((struct der_view){got->der, got->len}, &x));
	MUST(!x.ca && x.not_before == NOW - CERT_BACK_DATED &&
	     x.not_after == NOW + LEAF_AHEAD && x.server_auth);
	MUST(der_is(x.key, ask->key, sizeof(ask->key)));
	MUST(der_is(x.issuer, s->now.ca->cert.subject.p,
		    s->now.ca->cert.subject.len));
	if (ask->family)
		return;
	MUST(name.len > 2 && !eval_bypasses(&s->now.conf->walk.policy, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_set_up;
	struct sign *s = &signer;
	struct tlsd_sign ask = {0};
	struct tlsd_signed got;

	if (!is_set_up) {
		set_up(s);
		MUST(atexit(clean_up) == 0);
	}
	is_set_up = true;
	memcpy(&ask, data, size < sizeof(ask) ? size : sizeof(ask));
	/* Nobody guesses these: they are right, or one bit is not. */
	for (size_t i = 0; i < sizeof(ask.ca); i++)
		ask.ca[i] = s->now.ca->digest[i] ^ (ask.ca[i] == 0xff);
	s->tokens = SIGN_BURST;
	s->has_key = false;
	sign_answer(s, &ask, NOW, 0, &got);
	if (got.len)
		check_leaf(s, &ask, &got);
	else
		MUST(!got.until && !got.der[0]);
	return 0;
}
