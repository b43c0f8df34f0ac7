/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_trust.h - How programs of a guest are told whom to trust.
 *
 * Most of them have one file of certificates, and a variable that names another
 * in its place. So what the variables name has the system's own certificates in
 * it as well as ours: install.sh makes such a file in a guest, "run" for its
 * command.
 */
#ifndef MSB_GUEST_TRUST_H
#define MSB_GUEST_TRUST_H

#include <stdbool.h>

#include "plan.h"
#include "str.h"

/** GUEST_DIR - Where install.sh puts the files of guest/ */
#define GUEST_DIR "/etc/msb-netc"

/** GUEST_TRUST - The file of certificates that it makes */
#define GUEST_TRUST GUEST_DIR "/trust.pem"

/**
 * struct guest_variable - A variable that names a file of certificates
 * @name:	name
 * @readers:	the programs that read it
 * @reason:	why the variables before it do not do
 * @adds:	they trust these certificates beside others; else, these alone
 */
struct guest_variable {
	const char *name;
	const char *readers;
	const char *reason;
	bool adds;
};

/** guest_variables - All of them; the first is the one that most programs read,
 * the last has no name
 */
extern const struct guest_variable guest_variables[];

/** guest_intercepted() - Whether a guest will meet certificates of our CA */
bool guest_intercepted(const struct plan *p);

/** guest_trusts() - Whether a guest is to trust more than it does by itself */
bool guest_trusts(const struct plan *p);

/** guest_variables_manual() - Print the table as a part of the manual, in mdoc
 */
void guest_variables_manual(struct str *s);

#endif
