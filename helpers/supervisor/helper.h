/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper.h - The helpers that there are; private to helper*.c. */
#ifndef MSB_HELPER_H
#define MSB_HELPER_H

#include "supervisor.h"

/** HELPER_CAP() - A capability's bit in struct helper */
#define HELPER_CAP(name) (UINT64_C(1) << CAP_##name)

extern const struct helper helper_dns;
extern const struct helper helper_relay;
extern const struct helper helper_tls;

/* descriptors.c - for helpers that have @descriptors: functions of struct
 * helper. */

/** descriptors_take() - Take over those that stay from @now */
void descriptors_take(const struct helper *h, struct supervised *next,
		      const struct supervised *now);

/** descriptors_put() - A @put function */
const char *descriptors_put(const struct helper *h, struct supervised *next,
			    const struct channel_msg *m, int fds[CHANNEL_MAX]);

/** descriptors_check() - A @check function */
bool descriptors_check(const struct helper *h, const struct supervised *next,
		       char ret_reason[CONF_REASON_MAX]);

/** descriptors_send() - A @send function */
int descriptors_send(const struct helper *h, int channel,
		     const struct supervised *s, const struct supervised *held);

/** descriptors_close() - A @close function */
void descriptors_close(const struct helper *h, struct supervised *s,
		       const struct supervised *kept);

#endif
