#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "gateway/secret.h"

/*
 * A secret is looked at and copied octet by octet: what the library's functions
 * do it with, vector registers, keeps it for long, and comes onto the stack, of
 * processes that are forked later too, whenever somebody saves them: a signal,
 * the dynamic linker.
 */
static void
copy(char *to, const volatile char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

/* How many octets are before this one; n: it is not there. */
static size_t
before(const volatile char *text, size_t n, char c)
{
	size_t i = 0;

	while (i < n && text[i] != c)
		i++;
	return i;
}

void
secret_move(char *to, char *from)
{
	size_t len = before(from, SIZE_MAX, '\0');

	copy(to, from, len + 1);
	explicit_bzero(from, len);
}

static const char *
first_line(struct arena *a, struct span text, struct err *err)
{
	struct span first = span_n(text.p, before(text.p, text.len, '\n'));
	char *line;

	if (first.len > 0 && first.p[first.len - 1] == '\r')
		first.len--;
	if (first.len == 0) {
		err_set(err, ERR_CONFIG, "its first line is empty");
		return NULL;
	}
	/* It would end there: UTF-16 after its first letter. */
	if (before(first.p, first.len, '\0') < first.len) {
		err_set(err, ERR_CONFIG, "its first line is no text: it has a "
		    "NUL octet");
		return NULL;
	}
	if (first.len > SECRET_MAX) {
		err_set(err, ERR_CONFIG, "its first line has more than %d "
		    "octets", SECRET_MAX);
		return NULL;
	}
	line = arena_alloc(a, first.len + 1);
	copy(line, first.p, first.len);
	line[first.len] = '\0';
	return line;
}

/* Of all that was read nothing stays but the copy. */
static const char *
read_line(struct arena *a, int fd, struct err *err)
{
	char text[SECRET_MAX + 1];
	ssize_t n = read(fd, text, sizeof(text));
	const char *line = NULL;

	if (n < 0)
		err_set(err, ERR_UNAVAIL, "%s", strerror(errno));
	else
		line = first_line(a, span_n(text, (size_t)n), err);
	explicit_bzero(text, sizeof(text));
	return line;
}

const char *
secret_read(struct arena *a, const char *setting, const char *path,
    struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *line;

	if (fd < 0) {
		err_set(err, ERR_UNAVAIL, "%s %s: %s", setting, path,
		    strerror(errno));
		return NULL;
	}
	line = read_line(a, fd, err);
	close(fd);
	if (line == NULL)
		err_prefix(err, "%s %s", setting, path);
	return line;
}

const char *
secret_token(struct arena *a, const char *path, struct err *err)
{
	char *token = (char *)secret_read(a, "token_file", path, err);

	for (char *p = token; p != NULL && *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~') {
			explicit_bzero(token, before(token, SIZE_MAX, '\0'));
			err_set(err, ERR_CONFIG, "token_file %s: its first "
			    "line has something else than letters, digits "
			    "and signs of ASCII", path);
			return NULL;
		}
	}
	return token;
}

bool
secret_is(struct span given, const char *secret)
{
	/* How long it is, is not secret. */
	return given.len == strlen(secret) &&
	    CRYPTO_memcmp(given.p, secret, given.len) == 0;
}
