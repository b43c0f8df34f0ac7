/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_guest.h - What the command of "run" finds of its sandbox. */
#ifndef MSB_RUN_GUEST_H
#define MSB_RUN_GUEST_H

#include "sandbox.h"

/** RUN_GUEST_DIR - Where its files are, in its mount namespace alone */
#define RUN_GUEST_DIR "/run/msb-netc-guest"

/**
 * run_guest_enter() - Give this process the files and variables of a guest
 * @sb:		sandbox, whose network namespace the process is in
 *
 * In a mount namespace of its own: /sys shows the guest's interfaces, the
 * guest's resolv.conf and hosts lie over the host's, and what the guest is to
 * trust lies over the files of certificates that there are. They are copies, so
 * that a command keeps what it was started with whatever becomes of the state.
 *
 * Return: 0; -1 on failure, which was said
 */
int run_guest_enter(const struct sandbox *sb);

#endif
