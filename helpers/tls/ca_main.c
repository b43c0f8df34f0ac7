/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca_main.c - msb-ca: makes, checks and shows the CA of TLS interception.
 *
 * msb-netc runs it, and gives it descriptors: so it needs no path, and what it
 * has looked at is what is used afterwards. It is a program of its own because
 * msb-netc is linked with libnftables, whose licence does not go with that of
 * wolfSSL. What reads somebody's file does so without a capability, without
 * files, and with few system calls.
 */
/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
/* clang-format on */

#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authority.h"
#include "ca_exit.h"
#include "ca_store.h"
#include "collect.h"
#include "conf.h"
#include "confine.h"
#include "crl.h"
#include "number.h"
#include "pem.h"
#include "str.h"

/* Descriptors that it may have open, its own included. */
#define FILES 16

/** struct args - The command line */
struct args {
	int dir;
	int cert;
	int key;
	bool json;
	bool der;
};

/* Whole and unbuffered: the library's streams ask what a descriptor is, which a
 * confined process may not. */
static bool put(int fd, const char *text, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

__attribute__((format(printf, 2, 3))) static enum ca_exit
say(enum ca_exit code, const char *fmt, ...)
{
	va_list ap;
	STR(s);

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	str_putc(&s, '\n');
	(void)!put(STDERR_FILENO, str_text(&s), s.len);
	return code;
}

static enum ca_exit print(struct str *s)
{
	return put(STDOUT_FILENO, str_text(s), s->len)
		       ? CA_GOOD
		       : say(CA_SYSTEM, "write: %s", strerror(errno));
}

static enum ca_exit confined(const char *failed)
{
	if (!failed)
		return CA_GOOD;
	return say(CA_SYSTEM, "%s: %s", failed, strerror(errno));
}

/* --- a CA in a directory --- */

static enum ca_exit change(const struct args *args,
			   const char *(*store)(int dir, int64_t now))
{
	/* What belongs to another user than root is root's to write, too. */
	enum ca_exit rc =
		confined(confine_keep(UINT64_C(1) << CAP_DAC_OVERRIDE));
	const char *failed;

	if (rc != CA_GOOD)
		return rc;
	failed = store(args->dir, time(NULL));
	if (!failed)
		return CA_GOOD;
	return errno ? say(CA_SYSTEM, "%s: %s", failed, strerror(errno))
		     : say(CA_SYSTEM, "%s: the library failed", failed);
}

static enum ca_exit run_ensure(const struct args *args)
{
	return change(args, ca_store_ensure);
}

static enum ca_exit run_rotate(const struct args *args)
{
	return change(args, ca_store_rotate);
}

/* --- a CA in files --- */

static enum ca_exit load(const struct args *args, struct authority *a)
{
	char why[AUTHORITY_WHY_MAX];

	if (!authority_read_cert(a, args->cert, time(NULL), why))
		return say(CA_CERT, "the certificate %s", why);
	if (args->key >= 0 && !authority_read_key(a, args->key, why))
		return say(CA_KEY, "the key %s", why);
	return CA_GOOD;
}

/* Of what was read here nothing else is looked at. */
static enum ca_exit read_any(const struct args *args, struct authority *a)
{
	char why[AUTHORITY_WHY_MAX];

	/* One that has expired can be shown all the same. */
	if (!authority_read_cert(a, args->cert, time(NULL), why) && !a->kind)
		return say(CA_CERT, "the certificate %s", why);
	return CA_GOOD;
}

static enum ca_exit with_authority(
	const struct args *args,
	enum ca_exit (*read)(const struct args *, struct authority *),
	enum ca_exit (*then)(const struct args *, const struct authority *))
{
	struct authority *a = authority_new();
	enum ca_exit rc;

	if (!a)
		return say(CA_SYSTEM, "memory: %s", strerror(errno));
	rc = confined(confine_worker(FILES));
	if (rc == CA_GOOD)
		rc = read(args, a);
	if (rc == CA_GOOD && then)
		rc = then(args, a);
	authority_free(a);
	return rc;
}

static enum ca_exit run_check(const struct args *args)
{
	return with_authority(args, load, NULL);
}

static void put_hex(struct str *s, const uint8_t *p, size_t len,
		    const char *between)
{
	for (size_t i = 0; i < len; i++)
		str_printf(s, "%s%02X", i ? between : "", p[i]);
}

static const char *key_words(enum key_kind kind)
{
	switch (kind) {
	case KEY_NONE:
		break;
	case KEY_P256:
		return "P-256";
	case KEY_P384:
		return "P-384";
	case KEY_RSA:
		return "RSA";
	}
	return "?";
}

static void describe(struct str *s, const struct authority *a)
{
	char from[DER_TIME_TEXT], to[DER_TIME_TEXT];

	str_puts(s, "subject      ");
	{
		STR(name);

		x509_name_text(&name, a->cert.subject);
		str_puts(s, str_text(&name));
	}
	str_printf(s, "\nvalid        %s to %s\nkey          %s\nkey id       ",
		   der_time_text(a->cert.not_before, from),
		   der_time_text(a->cert.not_after, to), key_words(a->kind));
	put_hex(s, a->id.p, a->id.len, ":");
	str_puts(s, "\nsha256       ");
	put_hex(s, a->digest, sizeof(a->digest), ":");
	str_putc(s, '\n');
}

static void describe_json(struct str *s, const struct authority *a)
{
	STR(name);

	x509_name_text(&name, a->cert.subject);
	str_puts(s, "{\"subject\":");
	str_json(s, str_text(&name), name.len);
	str_printf(s, ",\"not_before\":%lld,\"not_after\":%lld,\"key\":\"%s\"",
		   (long long)a->cert.not_before, (long long)a->cert.not_after,
		   key_words(a->kind));
	str_puts(s, ",\"key_id\":\"");
	put_hex(s, a->id.p, a->id.len, "");
	str_puts(s, "\",\"sha256\":\"");
	put_hex(s, a->digest, sizeof(a->digest), "");
	str_puts(s, "\"}\n");
}

static enum ca_exit print_cert(const struct args *args,
			       const struct authority *a)
{
	STR(s);

	if (args->json)
		describe_json(&s, a);
	else
		describe(&s, a);
	return print(&s);
}

static enum ca_exit run_print(const struct args *args)
{
	return with_authority(args, read_any, print_cert);
}

static enum ca_exit export_cert(const struct args *args,
				const struct authority *a)
{
	char text[PEM_ROOM(AUTHORITY_DER_MAX)];
	STR(s);

	if (args->der)
		str_append(&s, (const char *)a->der, a->der_len);
	else
		str_append(
			&s, text,
			pem_write(text, PEM_CERTIFICATE, a->der, a->der_len));
	return print(&s);
}

static enum ca_exit run_export(const struct args *args)
{
	return with_authority(args, read_any, export_cert);
}

/* --- certificates to verify servers with --- */

/* Whether both we and the library can read it. One that has expired is none of
 * our business: it verifies nobody. */
static enum ca_exit check_root(WOLFSSL_CERT_MANAGER *m, struct der_view der,
			       unsigned int n)
{
	struct x509 ignored;
	const char *why = x509_read(der, &ignored);
	int rc;

	if (why)
		return say(CA_CERT, "certificate %u %s", n, why);
	rc = wolfSSL_CertManagerLoadCABuffer(m, der.p, (long)der.len,
					     WOLFSSL_FILETYPE_ASN1);
	if (rc == WOLFSSL_SUCCESS || rc == ASN_AFTER_DATE_E ||
	    rc == ASN_BEFORE_DATE_E)
		return CA_GOOD;
	return say(CA_CERT, "certificate %u cannot be used: %s", n,
		   wolfSSL_ERR_reason_error_string((unsigned long)rc));
}

/* Who has signed it is looked at when a certificate of its issuer comes; and
 * whether its time has passed. */
static enum ca_exit check_list(struct der_view der, unsigned int n)
{
	struct crl ignored;
	const char *why = crl_read(der, &ignored);

	return why ? say(CA_CERT, "revocation list %u %s", n, why) : CA_GOOD;
}

static enum ca_exit check_roots(struct pem *p)
{
	WOLFSSL_CERT_MANAGER *m = wolfSSL_CertManagerNew();
	enum ca_exit rc = CA_GOOD;
	enum pem_found found = PEM_END;
	unsigned int n = 0, lists = 0;

	if (!m)
		return say(CA_SYSTEM, "there is no memory");
	while (rc == CA_GOOD && (found = pem_next(p)) == PEM_BLOCK)
		if (strcmp(p->label, PEM_CERTIFICATE) == 0)
			rc = check_root(m, p->der, ++n);
		else if (strcmp(p->label, PEM_CRL) == 0)
			rc = check_list(p->der, ++lists);
	wolfSSL_CertManagerFree(m);
	if (rc != CA_GOOD)
		return rc;
	if (found == PEM_BAD && strcmp(p->label, PEM_CRL) == 0)
		return say(CA_CERT, "revocation list %u %s", lists + 1, p->why);
	if (found == PEM_BAD)
		return say(CA_CERT, "certificate %u %s", n + 1, p->why);
	if (!n && !lists)
		return say(CA_CERT, "there is no certificate and no revocation "
				    "list (PEM) in it");
	{
		STR(s);

		str_printf(&s, "%u %u\n", n, lists);
		return print(&s);
	}
}

static enum ca_exit run_roots(const struct args *args)
{
	enum ca_exit rc;
	const char *text;
	size_t len, size;
	ARENA(a);

	if (wolfSSL_Init() != WOLFSSL_SUCCESS)
		return say(CA_SYSTEM, "the library failed");
	rc = confined(confine_worker(FILES));
	if (rc != CA_GOOD)
		return rc;
	text = conf_read_fd(&a, args->cert, &len);
	if (!text)
		return say(CA_SYSTEM, "read: %s", strerror(errno));
	size = len / 4 * 3 + 3;
	return check_roots(&(struct pem){
		.text = text,
		.len = len,
		.room = arena_alloc(&a, size, 1),
		.size = size,
	});
}

/* --- CAs for guests to trust --- */

static enum ca_exit run_collect(const struct args *args)
{
	const enum ca_exit rc = confined(confine_worker(FILES));
	struct collected found;
	const char *text;
	size_t len;
	ARENA(a);
	STR(s);

	if (rc != CA_GOOD)
		return rc;
	text = conf_read_fd(&a, args->cert, &len);
	if (!text)
		return say(CA_SYSTEM, "read: %s", strerror(errno));
	collect(&a, text, len, &s, &found);
	if (found.truncated)
		return say(CA_CERT, "there are more than %d CAs", COLLECT_MAX);
	if (!put(STDOUT_FILENO, str_text(&s), s.len))
		return say(CA_SYSTEM, "write: %s", strerror(errno));
	str_free(&s);
	str_printf(&s, "%u %u %u", found.cas, found.others, found.unreadable);
	for (unsigned int i = 0; i < found.cas && i < COLLECT_HASHES; i++)
		str_printf(&s, " %s", found.hashes[i]);
	return say(CA_GOOD, "%s", str_text(&s));
}

/* --- the command line --- */

/** struct command - A word, what it needs, what does it */
struct command {
	const char *name;
	bool dir;
	bool cert;
	bool key;
	enum ca_exit (*run)(const struct args *args);
};

static const struct command commands[] = {
	{"check", false, true, true, run_check},
	{"collect", false, true, false, run_collect},
	{"ensure", true, false, false, run_ensure},
	{"export", false, true, false, run_export},
	{"print", false, true, false, run_print},
	{"roots", false, true, false, run_roots},
	{"rotate", true, false, false, run_rotate},
	{0},
};

static const struct option options[] = {
	{"cert-fd", required_argument, NULL, 'c'},
	{"der", no_argument, NULL, 'e'},
	{"dir-fd", required_argument, NULL, 'd'},
	{"json", no_argument, NULL, 'j'},
	{"key-fd", required_argument, NULL, 'k'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static enum ca_exit usage(void)
{
	fprintf(stderr,
		"usage: msb-ca ensure|rotate --dir-fd N\n"
		"       msb-ca check --cert-fd N --key-fd N\n"
		"       msb-ca print|export|roots|collect --cert-fd N [--json|--der]\n"
		"It is run by msb-netc.\n");
	return CA_USAGE;
}

static enum ca_exit run(int argc, char **argv)
{
	struct args args = {.dir = -1, .cert = -1, .key = -1};
	const struct command *c;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			args.cert = number_fd(optarg);
			break;
		case 'd':
			args.dir = number_fd(optarg);
			break;
		case 'e':
			args.der = true;
			break;
		case 'j':
			args.json = true;
			break;
		case 'k':
			args.key = number_fd(optarg);
			break;
		case 'V':
			printf("msb-ca %s\n", MSB_VERSION);
			return CA_GOOD;
		default:
			return usage();
		}
	}
	if (optind + 1 != argc)
		return usage();
	for (c = commands; c->name; c++)
		if (strcmp(c->name, argv[optind]) == 0)
			break;
	if (!c->name || c->dir != (args.dir >= 0) ||
	    c->cert != (args.cert >= 0) || c->key != (args.key >= 0))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!key_library())
		return say(CA_SYSTEM, "the library failed");
	return c->run(&args);
}

int main(int argc, char **argv)
{
	return (int)run(argc, argv);
}
