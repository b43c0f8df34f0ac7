/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sign_case.c - A CA, a document and requests for the signer. */
#include "sign_case.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pem.h"
#include "str.h"

#define HEAD \
	"{\"Version\":1,\"Name\":\"t\",\"Gateway4\":\"172.16.0.1\"," \
	"\"Gateway6\":\"fd42:6d73:62::1\",\"Guest4\":\"172.16.0.2\"," \
	"\"Guest6\":\"fd42:6d73:62::2\",\"DNS\":\"helper\",\"Port\":61441,"

int sign_case_text_fd(const char *text)
{
	const int fd = memfd_create("text", MFD_CLOEXEC);

	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

int sign_case_conf_fd(const char *rules, const char *otherwise,
		      const char *intercept)
{
	STR(s);

	str_printf(&s, HEAD "\"Rules\":[%s],\"DefaultEgress\":\"%s\"", rules,
		   otherwise);
	if (intercept)
		str_printf(&s, ",\"Intercept\":{%s}", intercept);
	str_puts(&s, "}");
	return sign_case_text_fd(str_text(&s));
}

struct sign_case sign_case_ca(void)
{
	struct authority *a = authority_new();
	struct sign_case f;
	char text[PEM_ROOM(KEY_DER_MAX)];
	uint8_t der[KEY_DER_MAX];
	size_t len;

	cr_assert(key_library() && a && authority_make(a, time(NULL)));
	pem_write(text, PEM_CERTIFICATE, a->der, a->der_len);
	f.cert = sign_case_text_fd(text);
	len = key_export(&a->key, der);
	cr_assert(len);
	pem_write(text, "PRIVATE KEY", der, len);
	f.key = sign_case_text_fd(text);
	memcpy(f.id, a->digest, sizeof(f.id));
	authority_free(a);
	return f;
}

struct tlsd_sign sign_case_ask_for(const struct sign_case *f, const char *text)
{
	struct tlsd_sign ask = {.key = {4, 1, 2, 3}};
	struct dname name;
	ARENA(a);

	cr_assert_null(dname_from_presentation(&a, text, &name));
	memcpy(ask.name, name.wire, name.len);
	ask.name_len = name.len;
	memcpy(ask.ca, f->id, sizeof(ask.ca));
	return ask;
}
