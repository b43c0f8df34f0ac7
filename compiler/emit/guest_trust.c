/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_trust.c - How programs of a guest are told whom to trust. */
#include "guest_trust.h"

#include "tls_json.h"

/* Not here, because one of these does: npm_config_cafile (Node's), UV and
 * RUSTUP (SSL_CERT_FILE), YARN (Node's). SSL_CERT_DIR is not here because who
 * reads it reads SSL_CERT_FILE as well, and a directory that the guest's owner
 * has named may stay in force beside it. */
const struct guest_variable guest_variables[] = {
	{"SSL_CERT_FILE",
	 "OpenSSL and what leaves the choice to it, such as Python's ssl, Ruby "
	 "and PHP; Go; rustls with native roots",
	 "the one that most programs know", false},
	{"CURL_CA_BUNDLE", "curl, whatever TLS library it is built with",
	 "curl on GnuTLS, or built with a file of its own, looks at no other",
	 false},
	{"REQUESTS_CA_BUNDLE", "Python's requests",
	 "it brings certificates of its own (certifi)", false},
	{"PIP_CERT", "pip", "it brings certificates of its own (certifi)",
	 false},
	{"HTTPLIB2_CA_CERTS", "Python's httplib2",
	 "it brings certificates of its own (certifi)", false},
	{"AWS_CA_BUNDLE", "the AWS CLI and botocore",
	 "it brings certificates of its own", false},
	{"GIT_SSL_CAINFO", "Git, over HTTPS",
	 "libcurl, which it uses, reads no variable by itself", false},
	{"NODE_EXTRA_CA_CERTS", "Node.js, npm, Yarn, Bun",
	 "they bring certificates of their own", true},
	{"DENO_CERT", "Deno", "it brings certificates of its own", true},
	{"CARGO_HTTP_CAINFO", "Cargo",
	 "libcurl, which it uses, reads no variable by itself", false},
	{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "gRPC, but for Go and Java",
	 "it brings certificates of its own", false},
	{"BUNDLE_SSL_CA_CERT", "Ruby's Bundler",
	 "it brings certificates of its own", false},
	{"HEX_CACERTS_PATH", "Elixir's Hex",
	 "it brings certificates of its own", false},
	{"PERL_LWP_SSL_CA_FILE", "Perl's LWP",
	 "it brings certificates of its own (Mozilla::CA)", false},
	{"NIX_SSL_CERT_FILE", "Nix, and programs built by it",
	 "they look at it first", false},
	{NULL, NULL, NULL, false},
};

bool guest_intercepted(const struct plan *p)
{
	return plan_needs(p, PLAN_TLSD) &&
	       tls_json_intercepts(&p->policy->config->tls);
}

bool guest_trusts(const struct plan *p)
{
	return p->policy->config->trust_host_cas == CONFIG_TRUE ||
	       guest_intercepted(p);
}

void guest_variables_manual(struct str *s)
{
	const struct guest_variable *v;

	str_puts(s, ".Bl -tag -width Ds\n");
	for (v = guest_variables; v->name; v++)
		str_printf(s, ".It Ev %s\nFor %s: %s.%s\n", v->name, v->readers,
			   v->reason, v->adds ? "\nIt adds." : "");
	str_puts(s, ".El\n");
}
