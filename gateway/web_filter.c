#include <string.h>

#include "base/json_read.h"
#include "gateway/http.h"
#include "gateway/web_filter.h"

/* --- the question --- */

static const char *
read_limit(struct web_filter *f, struct span value)
{
	uint64_t n;

	if (span_uint(value, WEB_FILTER_MOST, &n) < 0 || n == 0)
		return "limit: expected a number from 1 to 1000";
	f->limit = (size_t)n;
	return NULL;
}

static void
read_id(struct web_filter *f, struct span value)
{
	f->number = value;
	f->session = span_until(&f->number, '.');
}

static const char *
read_parameter(struct web_filter *f, struct span name, struct span value)
{
	if (span_is(name, "id"))
		read_id(f, value);
	else if (span_is(name, "sender"))
		f->sender = value;
	else if (span_is(name, "recipient"))
		f->recipient = value;
	else if (span_is(name, "verdict"))
		f->verdict = value;
	else if (span_is(name, "rule"))
		f->rule = value;
	else if (span_is(name, "limit"))
		return read_limit(f, value);
	else if (span_is(name, "trace"))
		f->trace = span_is(value, "1");
	else
		return "there are id, sender, recipient, verdict, rule, limit "
		    "and trace to ask by, and no others";
	return NULL;
}

const char *
web_filter_read(struct web_filter *f, struct arena *a, struct span query)
{
	struct span name, value;
	const char *wrong;
	bool is_bad;

	*f = (struct web_filter){ .limit = WEB_FILTER_LIMIT };
	while (http_parameter(a, &query, &name, &value, &is_bad)) {
		wrong = read_parameter(f, name, value);
		if (wrong != NULL)
			return wrong;
	}
	return is_bad ? "a % is not followed by two hexadecimal digits" :
	    NULL;
}

/* --- the record --- */

static char
small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
has_part(struct span text, struct span part)
{
	size_t i, j;

	for (i = 0; i + part.len <= text.len; i++) {
		for (j = 0; j < part.len; j++) {
			if (small(text.p[i + j]) != small(part.p[j]))
				break;
		}
		if (j == part.len)
			return true;
	}
	return false;
}

/* What was found of a record; true where nothing was asked. */
struct fit {
	bool	session, number, sender, recipient, verdict, rule;
};

/* Members of the whole record; the others may stand within it. */
static void
note_top(const struct web_filter *f, const struct json_value *v,
    struct fit *fit, struct span *time)
{
	if (span_is(v->key, "time"))
		*time = v->text;
	else if (span_is(v->key, "session"))
		fit->session |= span_eq(v->text, f->session);
	else if (span_is(v->key, "id"))
		fit->number |= span_eq(v->text, f->number);
}

static void
note(const struct web_filter *f, const struct json_value *v,
    struct fit *fit)
{
	if (span_is(v->key, "sender"))
		fit->sender |= has_part(v->text, f->sender);
	else if (span_is(v->key, "to"))
		fit->recipient |= has_part(v->text, f->recipient);
	else if (span_is(v->key, "outcome"))	/* a recipient's, too */
		fit->verdict |= span_eq(v->text, f->verdict);
	else if (span_is(v->key, "rule") || span_is(v->key, "at"))
		fit->rule |= span_eq(v->text, f->rule);
}

bool
web_filter_takes(const struct web_filter *f, struct arena *a,
    struct span record, struct span *time)
{
	struct fit fit = { f->session.len == 0, f->number.len == 0,
	    f->sender.len == 0, f->recipient.len == 0, f->verdict.len == 0,
	    f->rule.len == 0 };
	struct json_value v;
	struct json_in in;
	struct err err;

	*time = (struct span){0};
	json_begin(&in, a, record);
	if (json_next(&in, &v, &err) < 0 || v.kind != JSON_IN_OBJECT)
		return false;
	for (;;) {
		if (json_next(&in, &v, &err) < 0)
			return false;
		if (v.kind == JSON_IN_END)
			break;
		if (v.kind != JSON_IN_STRING && v.kind != JSON_IN_NUMBER)
			continue;
		if (in.depth == 1)
			note_top(f, &v, &fit, time);
		note(f, &v, &fit);
	}
	return fit.session && fit.number && fit.sender && fit.recipient &&
	    fit.verdict && fit.rule;
}

/* --- its text --- */

/* Of "\udcXX"; 0: these are no four digits. */
static unsigned
read_unit(const char *p, const char *end)
{
	unsigned value = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return 0;
	for (int i = 2; i < 6; i++) {
		char c = small(p[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return 0;
		value = value * 16 + (unsigned)(c <= '9' ? c - '0' :
		    c - 'a' + 10);
	}
	return value;
}

static bool
is_half(unsigned unit, unsigned first)
{
	return unit >= first && unit < first + 0x400;
}

void
web_filter_repair(char *text, size_t len)
{
	char *end = text + len, *p = text;
	unsigned unit;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		unit = read_unit(p, end);
		if (is_half(unit, 0xd800) && is_half(read_unit(p + 6, end),
		    0xdc00)) {
			p += 12;
			continue;
		}
		if (is_half(unit, 0xd800) || is_half(unit, 0xdc00))
			memcpy(p + 2, "fffd", 4);
		p += end - p > 1 ? 2 : 1;	/* may be a backslash */
	}
}
