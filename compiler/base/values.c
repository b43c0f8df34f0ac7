/* SPDX-License-Identifier: GPL-2.0-or-later */
/* values.c - The values of secrets, on their way to whoever needs them. */
#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a file begins with: how many values, then the octets of each. */
#define HEAD(n) (sizeof(uint32_t) * ((n) + 1))

/* The largest file. */
#define FILE_MAX (HEAD(VALUES_MAX) + (size_t)VALUES_MAX * VALUE_MAX)

_Static_assert(FILE_MAX < VALUES_LOCK_MAX, "with room for pages");

const char *value_flaw(const uint8_t *text, size_t len)
{
	if (!len)
		return "a value is not empty";
	if (len > VALUE_MAX)
		return "a value has at most 16384 octets";
	for (size_t i = 0; i < len; i++)
		if ((text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return "a value has no control characters";
	if (text[0] == ' ' || text[0] == '\t' || text[len - 1] == ' ' ||
	    text[len - 1] == '\t')
		return "a value has no blank at its ends";
	return NULL;
}

/* --- memory --- */

/* Private memory would be a child's, too; a file's pages are what they are. */
static int lock(void *pages, size_t len, bool private)
{
	if (mlock(pages, len) < 0 || madvise(pages, len, MADV_DONTDUMP) < 0)
		return -1;
	return private ? madvise(pages, len, MADV_DONTFORK) : 0;
}

static int unmap_with(void *pages, size_t len, int code)
{
	munmap(pages, len);
	errno = code;
	return -1;
}

void *values_room(size_t len)
{
	void *room = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	if (lock(room, len, true) == 0)
		return room;
	unmap_with(room, len, errno);
	return NULL;
}

void values_room_free(void *room, size_t len)
{
	if (!room)
		return;
	explicit_bzero(room, len);
	munmap(room, len);
}

/* --- writing --- */

/* The sum of all, in @ret. False: these are no values. */
static bool measure(const struct value *v, size_t n, size_t *ret)
{
	size_t len = HEAD(n);

	if (n > VALUES_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (v[i].len > VALUE_MAX)
			return false;
		len += v[i].len;
	}
	*ret = len;
	return true;
}

static void put_all(const struct value *v, size_t n, uint8_t *to)
{
	uint8_t *at = to + HEAD(n);

	memcpy(to, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
	for (size_t i = 0; i < n; i++) {
		memcpy(to + HEAD(i), &(uint32_t){(uint32_t)v[i].len},
		       sizeof(uint32_t));
		memcpy(at, v[i].text, v[i].len);
		at += v[i].len;
	}
}

static int close_with(int fd, int code)
{
	close(fd);
	errno = code;
	return -1;
}

int values_write(const struct value *v, size_t n)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct values_pin pin;
	size_t len;
	int fd;

	if (!measure(v, n, &len)) {
		errno = EINVAL;
		return -1;
	}
	fd = memfd_create("", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	/* Before anything is written to it its pages are locked. */
	if (ftruncate(fd, (off_t)len) < 0 || values_pin(fd, &pin) < 0)
		return close_with(fd, errno);
	put_all(v, n, pin.pages);
	values_unpin(&pin);
	if (fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	values_wipe(fd);
	return close_with(fd, errno);
}

/* --- reading --- */

static bool read_all(int fd, uint8_t *to, size_t len)
{
	for (size_t done = 0; done < len;) {
		const ssize_t n = pread(fd, to + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static size_t number(const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

/* Where each is. False: it is no such file. */
static bool take_apart(struct values *v, size_t len)
{
	const uint8_t *const room = v->room;
	size_t at = HEAD(v->n);

	if (number(room) != v->n)
		return false;
	for (size_t i = 0; i < v->n; i++) {
		const size_t n = number(room + HEAD(i));

		if (n > VALUE_MAX || n > len - at)
			return false;
		v->v[i] = (struct value){room + at, n};
		at += n;
	}
	return at == len;
}

const char *values_read(int fd, size_t n, struct values *ret)
{
	const off_t end = lseek(fd, 0, SEEK_END);
	struct values v = {.n = n, .room_len = (size_t)end};

	if (end < 0)
		return "the values of secrets cannot be read";
	if (n > VALUES_MAX || v.room_len < HEAD(n) || v.room_len > FILE_MAX)
		return "these are not the values of these secrets";
	v.room = values_room(v.room_len);
	if (!v.room)
		return "the values of secrets cannot be locked in memory";
	if (read_all(fd, v.room, v.room_len) && take_apart(&v, v.room_len)) {
		*ret = v;
		return NULL;
	}
	values_drop(&v);
	return "these are not the values of these secrets";
}

void values_drop(struct values *v)
{
	values_room_free(v->room, v->room_len);
	*v = (struct values){0};
}

/* --- keeping --- */

void values_wipe(int fd)
{
	static const uint8_t zeros[4096];
	const off_t end = lseek(fd, 0, SEEK_END);

	for (off_t at = 0; at < end;) {
		const size_t left = (size_t)(end - at);
		const ssize_t n =
			pwrite(fd, zeros,
			       left < sizeof(zeros) ? left : sizeof(zeros), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
	}
}

int values_pin(int fd, struct values_pin *ret)
{
	const off_t end = lseek(fd, 0, SEEK_END);
	struct values_pin pin = {.len = (size_t)end};

	if (end < 0)
		return -1;
	pin.pages =
		mmap(NULL, pin.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pin.pages == MAP_FAILED)
		return -1;
	if (lock(pin.pages, pin.len, false) < 0)
		return unmap_with(pin.pages, pin.len, errno);
	*ret = pin;
	return 0;
}

void values_unpin(struct values_pin *pin)
{
	if (pin->pages)
		munmap(pin->pages, pin->len);
	*pin = (struct values_pin){0};
}
