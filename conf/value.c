#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_syslog.h"
#include "base/nearest.h"
#include "conf/value.h"

/* Quoted in a message: more of it helps nobody. */
#define SHOW(s)	((s).len > 100 ? 100 : (int)(s).len), (s).p

struct unit {
	const char	*name;
	uint64_t	 factor;
};
/* From small to large. */
static const struct unit size_units[] = {
	{ "", 1 }, { "k", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 },
	{ NULL, 0 }
};
static const struct unit duration_units[] = {
	{ "ms", CLOCK_MS }, { "s", CLOCK_S }, { "m", 60 * CLOCK_S },
	{ "h", 3600 * CLOCK_S }, { "d", 86400 * CLOCK_S }, { NULL, 0 }
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit percent_units[] = {
	{ "", 1 }, { "%", 1 }, { NULL, 0 }
};

/* In the largest unit that gives a whole number. */
static const char *
unit_text(uint64_t n, const struct unit *units, char out[40])
{
	const struct unit *best = units;

	for (; n > 0 && units->name != NULL; units++)
		if (n % units->factor == 0)
			best = units;
	snprintf(out, 40, "%" PRIu64 "%s", n / best->factor, best->name);
	return out;
}

static int
parse_units(struct span text, const struct unit *units, const char *expected,
    uint64_t min, uint64_t max, uint64_t *value, struct err *err)
{
	struct span digits = text, name;
	const struct unit *unit = units;
	char bound[40];
	uint64_t n;

	digits.len = 0;
	while (digits.len < text.len && text.p[digits.len] >= '0' &&
	    text.p[digits.len] <= '9')
		digits.len++;
	name = span_n(text.p + digits.len, text.len - digits.len);
	while (unit->name != NULL && !span_is_nocase(name, unit->name))
		unit++;
	if (unit->name == NULL && name.len == 0 && span_is(digits, "0"))
		unit = units;
	if (digits.len == 0 || unit->name == NULL)
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not %s",
		    SHOW(text), expected);
	if (span_uint(digits, max / unit->factor, &n) < 0)
		return err_set(err, ERR_CONFIG,
		    "%.*s is too large, the most is %s", SHOW(text),
		    unit_text(max, units, bound));
	*value = n * unit->factor;
	if (*value < min)
		return err_set(err, ERR_CONFIG,
		    "%.*s is too small, the least is %s", SHOW(text),
		    unit_text(min, units, bound));
	return 0;
}

int
value_count(struct span text, const char *or_word, uint64_t min, uint64_t max,
    uint64_t *value, struct err *err)
{
	char expected[40];

	snprintf(expected, sizeof(expected), "a number%s%s",
	    or_word != NULL ? " or " : "", or_word != NULL ? or_word : "");
	return parse_units(text, no_units, expected, min, max, value, err);
}

int
value_percent(struct span text, uint64_t min, uint64_t max, uint64_t *value,
    struct err *err)
{
	return parse_units(text, percent_units, "a share in percent: "
	    "expected, for example, 80%", min, max, value, err);
}

int
value_size(struct span text, uint64_t min, uint64_t max, uint64_t *value,
    struct err *err)
{
	return parse_units(text, size_units,
	    "a size: expected a number and k, M or G, as in 50M", min, max,
	    value, err);
}

int
value_duration(struct span text, uint64_t min, uint64_t max, int64_t *value,
    struct err *err)
{
	uint64_t us;

	if (parse_units(text, duration_units,
	    "a time: expected a number and ms, s, m, h or d, as in 30s", min,
	    max, &us, err) < 0)
		return -1;
	*value = (int64_t)us;
	return 0;
}

void
value_put_size(struct buf *out, uint64_t size)
{
	char text[40];

	buf_puts(out, unit_text(size, size_units, text));
}

void
value_put_duration(struct buf *out, int64_t us)
{
	char text[40];

	buf_puts(out, us == 0 ? "0s" :
	    unit_text((uint64_t)us, duration_units, text));
}

int
value_word(struct span text, const char *const *words, unsigned *value,
    const char **hint, struct err *err)
{
	char list[120];
	size_t n, len = 0;

	for (n = 0; words[n] != NULL; n++) {
		if (span_is(text, words[n])) {
			*value = (unsigned)n;
			return 0;
		}
		len += (size_t)snprintf(list + len, sizeof(list) - len,
		    "%s%s", n == 0 ? "" : words[n + 1] != NULL ? ", " : " or ",
		    words[n]);
	}
	*hint = nearest(text, words, n);
	return err_set(err, ERR_CONFIG, "\"%.*s\" is not one of %s",
	    SHOW(text), list);
}

int
value_text(struct arena *a, struct span text, const char **value,
    struct err *err)
{
	if (text.len == 0)
		return err_set(err, ERR_CONFIG, "the value is empty");
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return err_set(err, ERR_CONFIG,
			    "\"%.*s\" holds a control character", SHOW(text));
	*value = arena_copy(a, text);
	return 0;
}

bool
value_is_domain(struct span text)
{
	size_t label = 0, i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			label++;
		else if ((c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c >= 0x80)
			label++;
		else
			return false;
		if (label > 63)
			return false;
	}
	return label > 0 && text.len <= 253;
}

bool
value_is_label(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.'))
			return false;
	}
	return text.len > 0 && text.len <= 63;
}

/* Such as 10.0.0.256 or 10.0.0: meant as an address. */
static bool
ends_in_number(struct span text)
{
	size_t i = text.len;

	while (i > 0 && text.p[i - 1] >= '0' && text.p[i - 1] <= '9')
		i--;
	return i < text.len && (i == 0 || text.p[i - 1] == '.');
}

int
value_host(struct arena *a, struct span text, const char **value,
    struct err *err)
{
	if (!value_is_domain(text) || ends_in_number(text))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not a host name",
		    SHOW(text));
	*value = arena_copy(a, text);
	return 0;
}

int
value_path(struct arena *a, const char *dir, struct span text,
    const char **value, struct err *err)
{
	if (value_text(a, text, value, err) < 0)
		return -1;
	if (text.p[0] == '/')
		return 0;
	while (text.len > 2 && memcmp(text.p, "./", 2) == 0)
		text = span_n(text.p + 2, text.len - 2);
	*value = arena_printf(a, "%s%s%.*s", dir,
	    strcmp(dir, "/") == 0 ? "" : "/", SPAN_ARG(text));
	return 0;
}

int
value_log(struct arena *a, const char *dir, struct span text,
    const char **value, struct err *err)
{
	struct log_syslog unused;

	if (span_starts_nocase(text, "syslog:")) {
		if (log_syslog_parse(span_n(text.p + 7, text.len - 7),
		    &unused, err) < 0)
			return err_prefix(err, "\"%.*s\"", SHOW(text));
	} else if (!span_is(text, "stderr") && !span_is(text, "syslog")) {
		if (text.len > 0 && memchr(text.p, '/', text.len) == NULL)
			return err_set(err, ERR_CONFIG, "\"%.*s\" is not "
			    "stderr, syslog or a path with a slash in it",
			    SHOW(text));
		return value_path(a, dir, text, value, err);
	}
	*value = arena_copy(a, text);
	return 0;
}

/* Kept as 64 small hex digits. */
int
value_fingerprint(struct arena *a, struct span text, const char **value,
    struct err *err)
{
	char hex[65];
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == ':' && n > 0 && n % 2 == 0 && n < 64 &&
		    text.p[i - 1] != ':')
			continue;
		if (c >= 'A' && c <= 'F')
			c = (char)(c | 0x20);
		if (n == 64 || !((c >= '0' && c <= '9') ||
		    (c >= 'a' && c <= 'f')))
			goto bad;
		hex[n++] = c;
	}
	if (n != 64)
		goto bad;
	*value = arena_copy(a, span_n(hex, n));
	return 0;
bad:
	return err_set(err, ERR_CONFIG, "\"%.*s\" is not the SHA-256 of a "
	    "certificate: expected 64 hex digits, with or without colons",
	    SHOW(text));
}

/* Those that the setting decides on (gateway/cmd_helo.c). */
static const char *const keywords[] = {
	"8BITMIME", "BINARYMIME", "CHUNKING", "DSN", "ENHANCEDSTATUSCODES",
	"PIPELINING", "PRDR", "SIZE", "SMTPUTF8",
};

int
value_keyword(struct arena *a, struct span text, const char **value,
    const char **hint, struct err *err)
{
	size_t n = sizeof(keywords) / sizeof(*keywords), i;

	for (i = 0; i < n; i++)
		if (span_is_nocase(text, keywords[i])) {
			*value = arena_strdup(a, keywords[i]);
			return 0;
		}
	*hint = nearest(text, keywords, n);
	return err_set(err, ERR_CONFIG, "\"%.*s\" is no extension that "
	    "can be chosen", SHOW(text));
}

static const char *
small(struct arena *a, struct span text)
{
	char *copy = arena_copy(a, text);

	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	return copy;
}

int
value_domain(struct arena *a, struct span text, const char **value,
    struct err *err)
{
	struct span name = text;

	if (name.len > 1 && name.p[0] == '.')
		name = span_n(name.p + 1, name.len - 1);
	if (!span_is(text, "*") && !value_is_domain(name))
		return err_set(err, ERR_CONFIG, "\"%.*s\" is not a domain: "
		    "expected a.example, .a.example or *", SHOW(text));
	*value = small(a, text);
	return 0;
}

int
value_recipient(struct arena *a, struct span text, const char **value,
    struct err *err)
{
	const char *at = text.len > 0 ? memrchr(text.p, '@', text.len) : NULL;
	struct span domain;

	if (at == NULL || at == text.p)
		goto bad;
	domain = span_n(at + 1, text.len - (size_t)(at + 1 - text.p));
	if (domain.len > 0 && !value_is_domain(domain))
		goto bad;
	for (const char *p = text.p; p < at; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			goto bad;
	*value = small(a, text);
	return 0;
bad:
	return err_set(err, ERR_CONFIG, "\"%.*s\" is not a recipient: "
	    "expected user@a.example or user@", SHOW(text));
}

void
value_put_string(struct buf *out, const char *text)
{
	buf_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_puts(out, "\\");
		buf_put(out, text, 1);
	}
	buf_puts(out, "\"");
}
