#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "filters/authres.h"
#include "tests/kit/authres_read.h"
#include "tests/kit/t.h"

/* One property of one result, as it is written. */
static const struct {
	const char		*name;
	enum authres_kind	 kind;
	const char		*value, *ascii, *utf8;	/* NULL: as ascii */
} values[] = {
	{ "domain", AUTHRES_DOMAIN, "X.Example.", "x.example", NULL },
	{ "selector", AUTHRES_DOMAIN, "s1._sel", "s1._sel", NULL },
	{ "host name", AUTHRES_DOMAIN, "localhost", "localhost", NULL },
	{ "U-labels", AUTHRES_DOMAIN, "b\xc3\xbc" "cher.example",
	    "xn--bcher-kva.example", NULL },
	{ "address literal", AUTHRES_DOMAIN, "[IPv6:2001:db8::1]",
	    "\"[IPv6:2001:db8::1]\"", NULL },
	{ "domain that is none", AUTHRES_DOMAIN, "sel\"; smtp.bogus=1",
	    "\"sel\\\"; smtp.bogus=1\"", NULL },
	{ "domain with a line end", AUTHRES_DOMAIN, "a.example\r\nX: y",
	    "\"a.example??X: y\"", NULL },
	{ "domain of junk", AUTHRES_DOMAIN, "a\xff.example",
	    "\"a?.example\"", NULL },
	{ "empty label", AUTHRES_DOMAIN, "a..example", "a..example", NULL },
	{ "no domain, but a token", AUTHRES_DOMAIN, "a!b", "a!b", NULL },

	{ "mailbox", AUTHRES_MAILBOX, "Bob@X.example", "Bob@x.example",
	    NULL },
	{ "mailbox, odd but plain", AUTHRES_MAILBOX,
	    "SRS0=x/y?{a}=b@x.example", "SRS0=x/y?{a}=b@x.example", NULL },
	{ "no local part", AUTHRES_MAILBOX, "@x.example", "@x.example",
	    NULL },
	{ "domain as a mailbox", AUTHRES_MAILBOX, "x.example", "x.example",
	    NULL },
	{ "quoted local part", AUTHRES_MAILBOX, "\"a b\"@x.example",
	    "\"a b\"@x.example", NULL },
	{ "what looks like a result", AUTHRES_MAILBOX,
	    "\"a;dmarc=pass header.from=bank.example\"@evil.test",
	    "\"a;dmarc=pass header.from=bank.example\"@evil.test", NULL },
	{ "quotes and parentheses", AUTHRES_MAILBOX, "\"x\\\")(;\"@evil.test",
	    "\"x\\\")(;\"@evil.test", NULL },
	{ "quote within quotes", AUTHRES_MAILBOX, "\"a\"b\"@x.example",
	    "\"a\\\"b\"@x.example", NULL },
	{ "blank not quoted", AUTHRES_MAILBOX, "a b@x.example",
	    "\"a b\"@x.example", NULL },
	{ "two dots", AUTHRES_MAILBOX, "a..b.@x.example",
	    "\"a..b.\"@x.example", NULL },
	{ "two at signs", AUTHRES_MAILBOX, "a@b@x.example",
	    "\"a@b\"@x.example", NULL },
	{ "mailbox at an address", AUTHRES_MAILBOX, "a@[192.0.2.1]",
	    "\"a@[192.0.2.1]\"", NULL },
	{ "quoted one at an address", AUTHRES_MAILBOX, "\"a\\\\\"@[192.0.2.1]",
	    "\"\\\"a\\\\\\\\\\\"@[192.0.2.1]\"", NULL },
	{ "one label", AUTHRES_MAILBOX, "a@localhost", "\"a@localhost\"",
	    NULL },
	{ "underscore", AUTHRES_MAILBOX, "a@b_c.example",
	    "\"a@b_c.example\"", NULL },
	{ "nothing behind the at sign", AUTHRES_MAILBOX, "a@", "\"a@\"",
	    NULL },
	{ "null sender", AUTHRES_MAILBOX, "<>", "\"<>\"", NULL },
	{ "line end in a local part", AUTHRES_MAILBOX, "a\r\nX: y@x.example",
	    "\"a??X: y@x.example\"", NULL },
	{ "mailbox in UTF-8", AUTHRES_MAILBOX, "j\xc3\xb6@b\xc3\xbc.example",
	    "\"j??@b??.example\"", "j\xc3\xb6@xn--b-eha.example" },
	{ "mailbox of junk", AUTHRES_MAILBOX, "j\xff@x.example",
	    "\"j?@x.example\"", NULL },
	{ "C1 control", AUTHRES_MAILBOX, "j\xc2\x85@x.example",
	    "\"j??@x.example\"", NULL },

	{ "token", AUTHRES_TEXT, "rsa-sha256", "rsa-sha256", NULL },
	{ "base64", AUTHRES_TEXT, "Ab/d+F12", "\"Ab/d+F12\"", NULL },
	{ "IPv4", AUTHRES_TEXT, "192.0.2.1", "192.0.2.1", NULL },
	{ "IPv6", AUTHRES_TEXT, "2001:db8::1", "\"2001:db8::1\"", NULL },
	{ "text in UTF-8", AUTHRES_TEXT, "\xe2\x82\xac", "\"???\"",
	    "\"\xe2\x82\xac\"" },
	{ "controls", AUTHRES_TEXT, "a\t\033\177b", "\"a???b\"", NULL },
};

/* "name=value" of a field with that one property. */
static void
check_value(struct arena *a, size_t i, bool utf8)
{
	struct authres_entry e = { .method = "m", .result = "pass" };
	struct authres r = { "mx.example", utf8, &e, 1 };
	const char *want = utf8 && values[i].utf8 != NULL ? values[i].utf8 :
	    values[i].ascii;
	struct buf out = {0}, field = {0};
	struct authres_read read;
	struct err err;

	authres_add(&e, "a.b", values[i].kind, span_z(values[i].value));
	authres_write(a, &out, &r);
	buf_printf(&field, "Authentication-Results: mx.example;\r\n"
	    "\tm=pass a.b=%s\r\n", want);
	buf_put(&field, "", 1);
	buf_put(&out, "", 1);
	T_STR(values[i].name, out.p, field.p);
	T_INT(values[i].name, authres_read(a, span_n(out.p + 23,
	    out.len - 26), &read, &err), 0);
	T_INT(values[i].name, read.n == 1 && read.results[0].nproperties == 1,
	    1);
	buf_free(&out);
	buf_free(&field);
}

static struct span
written(struct arena *a, struct authres_entry *entries, size_t n, bool utf8)
{
	struct authres r = { "mx.example", utf8, entries, n };
	struct buf out = {0};
	struct span text;

	authres_write(a, &out, &r);
	text = arena_span(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
check_texts(struct arena *a)
{
	struct authres_entry e = {
		.method = "dkim", .result = "fail",
		.comment = SPAN_LIT("a) dmarc=pass (\\; \"b\" \r\n c\xc3\xbc"),
		.reason = SPAN_LIT("bad \"quoted\" ; text\r\n"),
	};

	T_STR("none", arena_copy(a, written(a, NULL, 0, false)),
	    "Authentication-Results: mx.example; none\r\n");
	T_STR("comment and reason", arena_copy(a, written(a, &e, 1, false)),
	    "Authentication-Results: mx.example;\r\n"
	    "\tdkim=fail (a] dmarc=pass [/, 'b' ?? c?" "?)"
	    " reason=\"bad \\\"quoted\\\" ; text??\"\r\n");
	e.reason = SPAN_LIT("");
	T_STR("comment in UTF-8", arena_copy(a, written(a, &e, 1, true)),
	    "Authentication-Results: mx.example;\r\n"
	    "\tdkim=fail (a] dmarc=pass [/, 'b' ?? c\xc3\xbc)\r\n");
}

static void
check_order(struct arena *a)
{
	struct authres_entry e = { .method = "dkim", .result = "pass",
	    .comment = SPAN_LIT("2048-bit key") };

	authres_add(&e, "header.b", AUTHRES_TEXT, span_z("Ab/d+F12"));
	authres_add(&e, "header.d", AUTHRES_DOMAIN, span_z("x.example"));
	authres_add(&e, "header.i", AUTHRES_MAILBOX, span_z(""));
	authres_add(&e, "header.a", AUTHRES_TEXT, span_z("rsa-sha256"));
	T_STR("quoted ones last", arena_copy(a, written(a, &e, 1, false)),
	    "Authentication-Results: mx.example;\r\n"
	    "\tdkim=pass (2048-bit key) header.d=x.example "
	    "header.a=rsa-sha256\r\n\theader.b=\"Ab/d+F12\"\r\n");
}

static size_t
longest_line(struct span text)
{
	size_t most = 0;
	struct span line;

	while (text.len > 0) {
		line = span_until(&text, '\n');
		if (line.len > most)
			most = line.len;
	}
	return most - 1;	/* the CR */
}

static void
check_long(struct arena *a)
{
	enum { N = 40 };
	struct authres_entry *e = arena_new_n(a, N, struct authres_entry);
	char text[1200], mailbox[AUTHRES_VALUE_MAX + 1];
	struct authres_read read;
	struct span field;
	struct err err;
	int i;

	memset(text, '"', sizeof(text));
	memset(mailbox, '"', AUTHRES_VALUE_MAX);
	memcpy(mailbox + AUTHRES_VALUE_MAX - 10, "@x.example", 11);
	for (i = 0; i < N; i++) {
		e[i].method = "dkim";
		e[i].result = "pass";
		authres_add(&e[i], "header.d", AUTHRES_DOMAIN,
		    span_z("a.long.name.of.a.host.x.example"));
		authres_add(&e[i], "header.i", AUTHRES_MAILBOX,
		    span_z("somebody@a.long.name.of.a.host.x.example"));
	}
	field = written(a, e, N, false);
	T_OK("40 results: lines of 78", longest_line(field) <= 78);
	T_INT("read", authres_read(a, span_n(field.p + 23, field.len - 25),
	    &read, &err), 0);
	T_INT("40 results", read.n, N);

	e[0].nproperties = 0;
	authres_add(&e[0], "header.i", AUTHRES_TEXT, span_n(text,
	    AUTHRES_VALUE_MAX));
	authres_add(&e[0], "header.x", AUTHRES_TEXT, span_n(text,
	    AUTHRES_VALUE_MAX + 1));
	authres_add(&e[0], "smtp.mailfrom", AUTHRES_MAILBOX, span_z(mailbox));
	e[0].reason = span_n(text, sizeof(text));
	e[0].comment = span_n(text, sizeof(text));
	field = written(a, e, 1, false);
	T_OK("lines of 998", longest_line(field) <= 998);
	T_INT("read", authres_read(a, span_n(field.p + 23, field.len - 25),
	    &read, &err), 0);
	T_INT("too long is left out", read.results[0].nproperties, 2);
	T_INT("reason is cut", read.results[0].reason.len, AUTHRES_VALUE_MAX);
}

static const struct {
	const char	*name, *in, *want;	/* NULL: refused */
} fields[] = {
	{ "plain", " mx.example; none", "mx.example" },
	{ "with a version", "mx.example 1; none", "mx.example" },
	{ "results", "mx.example; spf=pass (a (b) \\) c) smtp.mailfrom=\r\n"
	    " \"a b\"@x.example; DKIM/1 = fail reason=\"x \\\" y\""
	    " header . d=x.example (c) header.b=\"a/b\"",
	    "mx.example [spf=pass (a (b) \\) c) smtp.mailfrom=\"a b\"@x.example]"
	    "[dkim=fail reason=x \" y header.d=x.example header.b=a/b]" },
	{ "no id", "; none", NULL },
	{ "no result", "mx.example", NULL },
	{ "nothing behind the semicolon", "mx.example;", NULL },
	{ "colons without quotes", "mx.example; iprev=pass policy.iprev=2::1",
	    NULL },
	{ "property without a type", "mx.example; x=pass a=b", NULL },
	{ "line end in a string", "mx.example; x=y a.b=\"c\r\n d\"", NULL },
	{ "comment not closed", "mx.example; x=y (z", NULL },
};

/* The reader that judges, judged. */
static void
check_reader(struct arena *a, size_t i)
{
	struct buf got = {0};
	struct authres_read_result *p;
	struct authres_read r;
	struct err err;
	size_t k, j;

	if (authres_read(a, span_z(fields[i].in), &r, &err) < 0) {
		T_OK(fields[i].name, fields[i].want == NULL);
		return;
	}
	buf_printf(&got, "%.*s%s", SPAN_ARG(r.authserv_id), r.n ? " " : "");
	for (k = 0; k < r.n; k++) {
		p = &r.results[k];
		buf_printf(&got, "[%.*s=%.*s", SPAN_ARG(p->method),
		    SPAN_ARG(p->result));
		if (p->comment.len > 0)
			buf_printf(&got, " (%.*s)", SPAN_ARG(p->comment));
		if (p->reason.len > 0)
			buf_printf(&got, " reason=%.*s", SPAN_ARG(p->reason));
		for (j = 0; j < p->nproperties; j++)
			buf_printf(&got, " %.*s=%.*s",
			    SPAN_ARG(p->properties[j].name),
			    SPAN_ARG(p->properties[j].value));
		buf_puts(&got, "]");
	}
	buf_put(&got, "", 1);
	T_STR(fields[i].name, got.p, fields[i].want);
	buf_free(&got);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		check_value(a, i, false);
		check_value(a, i, true);
	}
	check_texts(a);
	check_order(a);
	check_long(a);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		check_reader(a, i);
	arena_destroy(&a);
	return t_done();
}
