/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live_error.h - Why something could not be made or removed. */
#ifndef MSB_LIVE_ERROR_H
#define MSB_LIVE_ERROR_H

/** LIVE_ERROR_MAX - Room for a message, with NUL; longer ones are cut */
#define LIVE_ERROR_MAX 2048

/** enum live_kind - Whose "no" it is */
enum live_kind {
	LIVE_REFUSED,
	LIVE_SYSTEM,
	LIVE_DOCUMENT,
};

/**
 * struct live_error - Why a call failed
 * @kind:	LIVE_REFUSED: what was asked for does not fit what is there;
 *		LIVE_SYSTEM: the kernel or the file system would not;
 *		LIVE_DOCUMENT: the document's diagnostics say why
 * @code:	errno of the kernel's refusal, 0 if there was none
 * @text:	one sentence without the full stop
 *
 * Untouched by calls that succeed.
 */
struct live_error {
	enum live_kind kind;
	int code;
	char text[LIVE_ERROR_MAX];
};

/** live_refuse() - Fill @e with a refusal of our own; returns -1 */
int live_refuse(struct live_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** live_errno() - Fill @e; ": " and the words for @code follow; returns -1 */
int live_errno(struct live_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** live_system() - Fill @e with a system's failure without errno; returns -1 */
int live_system(struct live_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** live_while() - Put "WHAT: " before the text of @e; returns -1 */
int live_while(struct live_error *e, const char *what);

#endif
