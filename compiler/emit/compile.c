/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile.c - From the bytes of a document to its artefacts. */
#include "compile.h"

#include <string.h>

#include "enforced.h"
#include "guest.h"
#include "nft_text.h"
#include "plan_json.h"

static void print_sandbox(struct str *s, const struct plan *p)
{
	nft_text_replace(s, &p->sandbox);
}

static void print_host(struct str *s, const struct plan *p)
{
	nft_text_refresh(s, &p->host);
}

/* Every artefact but plan.json, which lists them all; ascending by path. */
static const struct {
	const char *path;
	void (*print)(struct str *s, const struct plan *p);
} prints[] = {
	{"guest/hosts", guest_hosts},
	{"guest/network", guest_network},
	{"guest/resolv.conf", guest_resolv_conf},
	{"host.nft", print_host},
	{"sandbox.nft", print_sandbox},
};

#define N_PRINTS (sizeof(prints) / sizeof(prints[0]))

static void add_file(struct arena *a, struct artefact *file, const char *path,
		     const struct str *text)
{
	file->path = path;
	file->text = arena_strndup(a, str_text(text), text->len);
	file->len = text->len;
}

static void print_all(struct arena *a, struct compiled *c)
{
	struct artefact *v = arena_array(a, N_PRINTS + 1, struct artefact);
	const char *paths[N_PRINTS + 1];
	size_t i, n = 0;
	STR(json);

	for (i = 0; i < N_PRINTS; i++) {
		STR(text);

		/* plan.json has its place between host.nft and sandbox.nft. */
		if (strcmp(prints[i].path, "plan.json") > 0 &&
		    (!n || strcmp(paths[n - 1], "plan.json") < 0))
			paths[n++] = "plan.json";
		paths[n++] = prints[i].path;
		prints[i].print(&text, &c->plan);
		add_file(a, &v[n - 1], prints[i].path, &text);
	}
	plan_json(&json, &c->plan, paths, n);
	for (i = 0; i < n; i++)
		if (!v[i].path)
			add_file(a, &v[i], "plan.json", &json);
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
	if (!compile_policy(a, d, req->slot, &ret->config, &ret->policy))
		return false;
	if (!req->unenforced)
		enforced_check(d, &ret->policy, DIAG_ERROR);
	if (diags_failed(d) ||
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
