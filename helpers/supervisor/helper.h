/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper.h - The helpers that there are; private to helper*.c. */
#ifndef MSB_HELPER_H
#define MSB_HELPER_H

#include "supervisor.h"

/** HELPER_CAP() - A capability's bit in struct helper */
#define HELPER_CAP(name) (UINT64_C(1) << CAP_##name)

extern const struct helper helper_dns;
extern const struct helper helper_relay;

#endif
