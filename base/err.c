#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/*
 * Room for a text that is too long, so that the cut can be marked; and
 * apart from err->text, which may be an argument itself.
 */
#define ROOM (2 * sizeof(((struct err *)NULL)->text) + 3)

/*
 * The text may quote what came from outside. It has to stay one line
 * wherever it goes (log, SMTP reply), so control characters do not survive.
 */
static void
store(struct err *err, const char *text)
{
	size_t len = strlen(text), i;

	if (len >= sizeof(err->text)) {
		len = sizeof(err->text) - 1;
		memcpy(err->text, text, len - 3);
		memcpy(err->text + len - 3, "...", 3);
	} else
		memcpy(err->text, text, len);
	err->text[len] = '\0';
	for (i = 0; i < len; i++)
		if ((unsigned char)err->text[i] < ' ' || err->text[i] == 0x7f)
			err->text[i] = '?';
}

int
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	char text[ROOM];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->kind = kind;
	store(err, text);
	errno = saved;
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	char text[ROOM];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", err->text);
	store(err, text);
	errno = saved;
	return -1;
}

const char *
err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_SYNTAX:
		return "syntax";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_CLOSED:
		return "closed";
	case ERR_UNAVAIL:
		return "unavailable";
	case ERR_CONFIG:
		return "configuration";
	}
	return "none";
}
