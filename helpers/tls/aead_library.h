/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead_library.h - What a library brings that computes records' ciphers. */
#ifndef MSB_AEAD_LIBRARY_H
#define MSB_AEAD_LIBRARY_H

#include "aead.h"

/**
 * struct aead_library - One library, with all the ciphers
 * @name:	what it is called
 * @load:	what a process does once, before it is confined; NULL: nothing
 * @begin:	its state; NULL if there is no memory, or if this CPU is not one
 *		that it computes on
 * @end:	release a state
 * @forget:	leave no key of anybody's in a state; NULL: none ever stays
 * @seal:	as aead_seal()
 * @open:	as aead_open(), but that nothing is wiped
 */
struct aead_library {
	const char *name;
	bool (*load)(void);
	void *(*begin)(void);
	void (*end)(void *state);
	void (*forget)(void *state);
	bool (*seal)(void *state, const struct aead_record *r,
		     const struct aead_piece *piece, size_t n, uint8_t *to,
		     uint8_t *tag);
	bool (*open)(void *state, const struct aead_record *r,
		     const uint8_t *from, size_t len, const uint8_t *tag,
		     uint8_t *to);
};

/** aead_libgcrypt - libgcrypt, which is always there */
extern const struct aead_library aead_libgcrypt;

/** aead_ipsec_mb - Intel's multi-buffer library, where it was built with */
extern const struct aead_library aead_ipsec_mb;

#endif
