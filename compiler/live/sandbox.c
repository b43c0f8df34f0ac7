/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox.c - Who may change sandboxes, and which files the state keeps. */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nft_text.h"
#include "str.h"

int sandbox_privileged(struct live_error *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t need = 1u << CAP_NET_ADMIN | 1u << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &head, data) < 0)
		return live_errno(e, errno, "read capabilities");
	if ((data[0].effective & need) != need)
		return live_errno(e, EPERM,
				  "CAP_NET_ADMIN and CAP_SYS_ADMIN are needed "
				  "(root has them)");
	return 0;
}

static void add_file(struct arena *a, struct state_file *to, const char *path,
		     const struct str *text)
{
	*to = (struct state_file){
		.path = path,
		.text = arena_strndup(a, str_text(text), text->len),
		.len = text->len,
	};
}

struct state_file sandbox_file(const struct compiled *c,
			       const struct artefact *f)
{
	return (struct state_file){
		.path = f->path,
		.text = f->text,
		.len = f->len,
		.shared = c->plan.names_file &&
			  strcmp(f->path, c->plan.names_file) == 0,
	};
}

int sandbox_share_names(struct state *s, const struct compiled *c, int *ret,
			struct live_error *e)
{
	struct state_file file;

	*ret = -1;
	if (!c->plan.names_file)
		return 0;
	file = sandbox_file(c, compile_artefact(c, c->plan.names_file));
	*ret = state_share(s, &file);
	return *ret < 0
		       ? live_errno(e, errno, "share the table of denied names")
		       : 0;
}

static struct state_file certs_file(const char *path, const struct ca_text *t)
{
	return (struct state_file){
		.path = path, .text = t->text, .len = t->len};
}

struct state_file *sandbox_files(struct arena *a, const struct compiled *c,
				 const struct guest_certs *certs,
				 const struct diags *doc,
				 const struct lease_names *leases,
				 size_t *ret_n)
{
	struct state_file *files =
		arena_array(a, c->n_files + 5, struct state_file);
	size_t i, n = 0;
	STR(withdraw);
	STR(names);

	for (; n < c->n_files; n++)
		files[n] = sandbox_file(c, &c->files[n]);
	if (certs->ca.text)
		files[n++] = certs_file(GUEST_CA, &certs->ca);
	if (certs->host.text)
		files[n++] = certs_file(GUEST_HOST_CAS, &certs->host);
	nft_text_withdraw(&withdraw, &c->plan.host);
	add_file(a, &files[n++], "host-withdraw.nft", &withdraw);
	for (i = 0; i < leases->n; i++)
		str_printf(&names, "%s\n", leases->v[i]);
	add_file(a, &files[n++], STATE_LEASES, &names);
	files[n++] = (struct state_file){
		.path = "config.json", .text = doc->text, .len = doc->len};
	*ret_n = n;
	return files;
}
