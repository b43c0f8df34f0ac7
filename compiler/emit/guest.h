/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest.h - The files that a guest is to find. */
#ifndef MSB_GUEST_H
#define MSB_GUEST_H

#include "plan.h"
#include "str.h"

/** GUEST_HOST_ALIAS - The name of the host, as the guest knows it */
#define GUEST_HOST_ALIAS "host.microsandbox.internal"

/** guest_resolv_conf() - resolv.conf: the gateway serves DNS */
void guest_resolv_conf(struct str *s, const struct plan *p);

/** guest_hosts() - hosts: localhost and the host's alias */
void guest_hosts(struct str *s, const struct plan *p);

/**
 * guest_network() - network: the guest's interface, as shell assignments
 *
 * KEY='value' lines that a POSIX shell can source.
 */
void guest_network(struct str *s, const struct plan *p);

/**
 * guest_env() - env: the variables that point programs at certificates, and
 * those that hold placeholders
 *
 * KEY=value lines for a shell, systemd and container engines alike; none where
 * a guest is to trust nobody whom it does not trust already, and has no
 * secrets.
 */
void guest_env(struct str *s, const struct plan *p);

/**
 * guest_secrets() - The lines of env that hold placeholders
 *
 * KEY='value' lines that a POSIX shell can source: most placeholders begin with
 * a "$", which a shell would take for a variable.
 */
void guest_secrets(struct str *s, const struct config *c);

/** guest_install() - install.sh: what puts all this in place */
void guest_install(struct str *s, const struct plan *p);

/** guest_install_script - compiler/emit/install.sh */
extern const char guest_install_script[];

#endif
