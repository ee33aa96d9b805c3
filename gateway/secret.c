#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "gateway/secret.h"

static const char *
first_line(struct arena *a, struct span text, struct err *err)
{
	struct span first = span_until(&text, '\n');

	if (first.len > 0 && first.p[first.len - 1] == '\r')
		first.len--;
	if (first.len == 0) {
		err_set(err, ERR_CONFIG, "its first line is empty");
		return NULL;
	}
	/* It would end there: UTF-16 after its first letter. */
	if (memchr(first.p, '\0', first.len) != NULL) {
		err_set(err, ERR_CONFIG, "its first line is no text: it has a "
		    "NUL octet");
		return NULL;
	}
	if (first.len > SECRET_MAX) {
		err_set(err, ERR_CONFIG, "its first line has more than %d "
		    "octets", SECRET_MAX);
		return NULL;
	}
	return arena_copy(a, first);
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
	const char *token = secret_read(a, "token_file", path, err);

	for (const char *p = token; p != NULL && *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~') {
			err_set(err, ERR_CONFIG, "token_file %s: its first "
			    "line has something else than letters, digits "
			    "and signs of ASCII", path);
			return NULL;
		}
	}
	return token;
}

void
secret_forget(void)
{
	static const char zeros[SECRET_MAX + 1];
	char below[3072];

	/* By way of the same registers. */
	memcpy(below, zeros, sizeof(zeros));
	__asm__ volatile("" : : "r"(below) : "memory");
	explicit_bzero(below, sizeof(below));
}

bool
secret_is(struct span given, const char *secret)
{
	/* How long it is, is not secret. */
	return given.len == strlen(secret) &&
	    CRYPTO_memcmp(given.p, secret, given.len) == 0;
}
