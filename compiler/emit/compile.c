/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile.c - From the bytes of a document to its artefacts. */
#include "compile.h"

#include <string.h>

#include "dns_json.h"
#include "guest.h"
#include "helper_conf.h"
#include "nft_text.h"
#include "plan_json.h"
#include "ports.h"
#include "tls_json.h"

static void print_sandbox(struct str *s, const struct plan *p)
{
	nft_text_replace(s, &p->sandbox);
}

static void print_host(struct str *s, const struct plan *p)
{
	nft_text_refresh(s, &p->host);
}

static bool has_ports(const struct plan *p)
{
	return p->policy->config->n_bindings > 0;
}

static void print_names(struct str *s, const struct plan *p)
{
	str_append(s, p->names, p->names_len);
}

static bool has_names(const struct plan *p)
{
	return p->names != NULL;
}

static bool has_dns(const struct plan *p)
{
	return plan_needs(p, PLAN_DNSD);
}

static bool has_relay(const struct plan *p)
{
	return plan_needs(p, PLAN_RELAYD);
}

static bool has_tls(const struct plan *p)
{
	return plan_needs(p, PLAN_TLSD);
}

/* Every artefact, ascending by path, and when there is one: always, unless
 * said. The one without a function is plan.json, which lists them all; the one
 * without a path is named by the plan. */
static const struct {
	const char *path;
	void (*print)(struct str *s, const struct plan *p);
	bool (*wanted)(const struct plan *p);
} prints[] = {
	{"dns.json", dns_json, has_dns},
	{"guest/env", guest_env, NULL},
	{"guest/hosts", guest_hosts, NULL},
	{"guest/install.sh", guest_install, NULL},
	{"guest/network", guest_network, NULL},
	{"guest/resolv.conf", guest_resolv_conf, NULL},
	{"host.nft", print_host, NULL},
	{NULL, print_names, has_names},
	{"plan.json", NULL, NULL},
	{"ports.json", ports_json, has_ports},
	{"relay.json", helper_conf_relay, has_relay},
	{"sandbox.nft", print_sandbox, NULL},
	{"tls.json", tls_json, has_tls},
};

#define N_PRINTS (sizeof(prints) / sizeof(prints[0]))

static void print_all(struct arena *a, struct compiled *c)
{
	struct artefact *v = arena_array(a, N_PRINTS, struct artefact);
	const char *paths[N_PRINTS];
	size_t wanted[N_PRINTS], n = 0, i;

	for (i = 0; i < N_PRINTS; i++) {
		if (prints[i].wanted && !prints[i].wanted(&c->plan))
			continue;
		wanted[n] = i;
		paths[n++] = prints[i].path ? prints[i].path
					    : c->plan.names_file;
	}
	for (i = 0; i < n; i++) {
		STR(text);

		if (prints[wanted[i]].print)
			prints[wanted[i]].print(&text, &c->plan);
		else
			plan_json(&text, &c->plan, paths, n);
		v[i].path = paths[i];
		v[i].text = arena_strndup(a, str_text(&text), text.len);
		v[i].len = text.len;
	}
	c->files = v;
	c->n_files = n;
}

bool compile_policy(struct arena *a, struct diags *d, uint32_t slot,
		    struct config *config, struct policy *policy)
{
	return config_read(a, d, config) &&
	       policy_lower(a, d, config, slot, policy);
}

bool compile(struct arena *a, struct diags *d,
	     const struct compile_request *req, struct compiled *ret)
{
	if (!compile_policy(a, d, req->slot, &ret->config, &ret->policy) ||
	    !plan_make(a, d, &ret->policy, req->name, &ret->plan))
		return false;
	print_all(a, ret);
	return true;
}

const struct artefact *compile_artefact(const struct compiled *c,
					const char *path)
{
	size_t i;

	for (i = 0; i < c->n_files; i++)
		if (strcmp(c->files[i].path, path) == 0)
			return &c->files[i];
	return NULL;
}
