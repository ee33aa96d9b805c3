#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "filters/authres_forged.h"
#include "tests/kit/t.h"

/* Our names: mx.gw.example, m\xc3\xbcller.example, relay. */
static const struct {
	const char	*name, *in;
	bool		 is_forged;
} cases[] = {
	{ "plain", "mx.gw.example; spf=pass smtp.mailfrom=a.example", true },
	{ "no results", "mx.gw.example", true },
	{ "no white space", "mx.gw.example;dmarc=pass", true },
	{ "case", "Mx.GW.exAmple; dmarc=pass", true },
	{ "version", "mx.gw.example 1; dmarc=pass", true },
	{ "version behind a slash", "mx.gw.example/1; dmarc=pass", true },
	{ "final dots", "mx.gw.example..; dmarc=pass", true },
	{ "second name of ours", "relay; dmarc=pass", true },
	{ "our result behind another's", "x.example; none; mx.gw.example;"
	    " dmarc=pass", true },
	{ "two ids", "x.example mx.gw.example; dmarc=pass", true },
	{ "two ids with a comma", "x.example,mx.gw.example; dmarc=pass",
	    true },
	{ "angle brackets", "<mx.gw.example>; dmarc=pass", true },
	{ "as in an ARC field", "i=1; mx.gw.example; dmarc=pass", true },
	{ "id missing", "; mx.gw.example; dmarc=pass", true },
	{ "an equals sign behind it", "mx.gw.example = x; dmarc=pass", true },
	{ "as Outlook wrote it", "spf=pass (sender IP is 192.0.2.1)\r\n"
	    " smtp.mailfrom=a.example; mx.gw.example; dkim=none (not signed)\r\n"
	    " header.d=none;mx.gw.example; dmarc=none", true },

	{ "comment before", "(hello) mx.gw.example; dmarc=pass", true },
	{ "comment with a semicolon", "(x.example;) mx.gw.example; a=b", true },
	{ "comment behind", "mx.gw.example(hello); dmarc=pass", true },
	{ "comments within", "mx(a).(b)gw.(c (d)) example; a=b", true },
	{ "comment in a comment", "(a (b) c) mx.gw.example; a=b", true },
	{ "comment not closed", "(a mx.gw.example; dmarc=pass", true },
	{ "inner comment not closed", "(a (b) mx.gw.example; dmarc=pass",
	    true },
	{ "for those who know no inner comments",
	    "(a (b) mx.gw.example; dmarc=pass)", true },
	{ "for those who know no quoted pairs in them",
	    "(a \\) mx.gw.example; dmarc=pass)", true },
	{ "in a comment, and no other", "(mx.gw.example); dmarc=pass", true },
	{ "quote in a comment", "(\") mx.gw.example; a=b (\")", true },

	{ "quoted", "\"mx.gw.example\"; dmarc=pass", true },
	{ "quoted pair", "\"mx.gw\\.example\"; dmarc=pass", true },
	{ "half quoted", "\"mx.gw\".example; dmarc=pass", true },
	{ "quoted in two", "\"mx.gw\" \".example\"; dmarc=pass", true },
	{ "pair without quotes", "mx\\.gw.example; dmarc=pass", true },
	{ "quote not closed", "\"mx.gw.example; dmarc=pass", true },
	{ "for those who know no quotes", "\"mx.gw.example; dmarc=pass\"",
	    true },

	{ "folded", "\r\n mx.gw.example; dmarc=pass", true },
	{ "folded with a line of blanks", "\r\n \r\n\tmx.gw.example; a=b",
	    true },
	{ "folded within", "mx.gw.\r\n example; dmarc=pass", true },
	{ "blank within a label", "mx.gw.exa mple; dmarc=pass", true },
	{ "NUL behind", "mx.gw.example\001; dmarc=pass", true },
	{ "control within", "mx.\001gw.example; dmarc=pass", true },
	{ "no-break space", "\xc2\xa0mx.gw.example; dmarc=pass", true },
	{ "no-break space in ISO 8859-1", "\xa0mx.gw.example; a=b", true },
	{ "ideographic space", "mx.gw.example\xe3\x80\x80; a=b", true },
	{ "zero width space", "mx.gw\xe2\x80\x8b.example; a=b", true },
	{ "byte order mark", "\xef\xbb\xbfmx.gw.example; a=b", true },
	{ "line separator", "mx.gw.example\xe2\x80\xa8; a=b", true },

	{ "U-label", "m\xc3\xbcller.example; dmarc=pass", true },
	{ "U-label in capitals", "M\xc3\x9cLLER.Example; dmarc=pass", true },
	{ "U-label, decomposed", "mu\xcc\x88ller.example; a=b", true },
	{ "U-label in ISO 8859-1", "m\xfcller.example; dmarc=pass", true },
	{ "A-label", "xn--mller-kva.example; dmarc=pass", true },
	{ "A-label in capitals", "XN--MLLER-KVA.example; dmarc=pass", true },
	{ "full-width letters", "\xef\xbd\x8d\xef\xbd\x98.gw.example; a=b",
	    true },
	{ "ideographic full stop", "mx\xe3\x80\x82gw.example; a=b", true },
	{ "soft hyphen", "mx.g\xc2\xadw.example; a=b", true },
	{ "quoted U-label", "\"m\xc3\xbcller.example\"; a=b", true },

	{ "encoded word", "=?utf-8?q?mx=2Egw=2Eexample?=; dmarc=pass", true },
	{ "encoded as a whole",
	    "=?x?b?bXguZ3cuZXhhbXBsZTsgZG1hcmM9cGFzcw==?=", true },
	{ "two encoded words", "=?x?q?mx.gw?=\r\n =?x?q?.example?=; a=b",
	    true },
	{ "encoded U-label", "=?iso-8859-1?q?m=FCller?=.example; a=b", true },

	{ "another's", "mx.other.example; dmarc=pass", false },
	{ "below ours", "a.mx.gw.example; dmarc=pass", false },
	{ "above ours", "gw.example; dmarc=pass", false },
	{ "like ours", "xmx.gw.example; a=b", false },
	{ "like ours with a number", "relay2; a=b", false },
	{ "ours in a comment", "x.example (mx.gw.example); a=b", false },
	{ "ours in an inner comment", "x.example (a (mx.gw.example) b); a=b",
	    false },
	{ "ours as a value", "x.example; spf=pass smtp.helo=mx.gw.example",
	    false },
	{ "ours as a value, folded", "x.example; spf=pass smtp.helo =\r\n"
	    " mx.gw.example", false },
	{ "ours as a value behind a comment", "x.example; spf=pass"
	    " smtp.helo=(c) mx.gw.example (d)", false },
	{ "ours in a value", "x.example; a=b c.d=x/mx.gw.example e.f=<a@"
	    "mx.gw.example>", false },
	{ "ours in an address", "x.example; a=b smtp.mailfrom=a@mx.gw.example"
	    " header.i=@mx.gw.example", false },
	{ "ours in a quoted value", "x.example; a=b reason=\"mx.gw.example;"
	    " mx.gw.example; c\"", false },
	{ "ours in a comment of a result", "x.example; dmarc=pass"
	    " (mx.gw.example; relay)", false },
	{ "another U-label", "m\xc3\xb6ller.example; a=b", false },
	{ "another encoded word", "=?utf-8?q?x.example?=; a=b", false },
	{ "empty", "", false },
	{ "nothing but marks", "; = ; == (\"", false },
	{ "nothing but octets", "\xff\xfe\x80\xc3", false },
};

static const char *const names[] = { "mx.gw.example.",
    "m\xc3\xbcller.example", "Relay", "", "\xff" };

static size_t
cuts_of(struct arena *a, struct span header, struct authres_cut **cuts)
{
	struct authres_ids ours = authres_ids_make(a, names,
	    sizeof(names) / sizeof(names[0]));
	struct fields h;

	fields_parse(a, header, &h);
	return authres_forged(a, &h, &ours, cuts);
}

static size_t
count(struct arena *a, struct span header)
{
	struct authres_cut *cuts;

	return cuts_of(a, header, &cuts);
}

static void
check(struct arena *a, size_t i)
{
	struct buf text = {0};

	buf_printf(&text, "Authentication-Results: %s\r\n", cases[i].in);
	T_INT(cases[i].name, count(a, buf_text(&text)), cases[i].is_forged);
	buf_clear(&text);
	buf_printf(&text, "ARC-Authentication-Results: %s\r\n", cases[i].in);
	T_INT(cases[i].name, count(a, buf_text(&text)), 0);
	buf_free(&text);
}

static const struct {
	const char	*name, *field;
	bool		 is_ours;
} field_names[] = {
	{ "name in capitals", "AUTHENTICATION-RESULTS:", true },
	{ "blank before the colon", "Authentication-Results :", true },
	{ "fold before the colon", "Authentication-Results\r\n :", true },
	{ "control in the name", "Authentication-\001Results:", true },
	{ "8-bit in the name", "Authentication-Results\xc2\xa0:", true },
	{ "white space before the name", " Authentication-Results:", true },
	{ "shorter name", "Authentication-Result:", false },
	{ "longer name", "Authentication-Results-Original:", false },
	{ "another field", "X-Authentication-Results:", false },
	{ "no colon", "Authentication-Results", false },
	{ "name as a value", "X: Authentication-Results:", false },
};

static void
check_cuts(struct arena *a)
{
	struct span header = span_z("A: b\r\n"
	    "Authentication-Results: mx.gw.example;\r\n a=b\r\n"
	    "authentication-results : relay\r\n"
	    "Authentication-Results: x.example; none\r\n"
	    "Subject: x\r\n"
	    "Authentication-Results: relay; c=d\r\n\r\n"
	    "Authentication-Results: relay; in=body\r\n");
	struct authres_cut *cuts;

	T_INT("cuts", cuts_of(a, header, &cuts), 3);
	T_INT("first begins", cuts[0].offset, 6);
	T_INT("with what continues it", cuts[0].len, 46);
	T_INT("second begins", cuts[1].offset, 52);
	T_OK("up to the next field", strncmp(header.p + cuts[1].offset +
	    cuts[1].len, "Authentication-Results: x", 25) == 0);
	T_OK("the last one", strncmp(header.p + cuts[2].offset,
	    "Authentication-Results: relay; c", 32) == 0);
	T_INT("with its line end", cuts[2].len, 36);
	T_INT("no header", count(a, span_z("")), 0);
}

static void
check_hostile(struct arena *a)
{
	static const char *const pieces[] = { "(", "\"", "(\\", "a ", "x=",
	    "=?x?q?", "\xff ", ";", "\xe2\x80\xa8", "((()" };
	struct buf text = {0};
	size_t i, k;
	char name[60];

	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		buf_clear(&text);
		buf_puts(&text, "Authentication-Results: ");
		for (k = 0; k < 100000; k++)
			buf_puts(&text, pieces[i]);
		snprintf(name, sizeof(name), "100,000 pieces, %zu", i);
		T_INT(name, count(a, buf_text(&text)),
		    strcmp(pieces[i], "\xff ") == 0);
	}
	buf_free(&text);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	char line[200];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(a, i);
	for (i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
		snprintf(line, sizeof(line), "%s mx.gw.example; a=b\r\n",
		    field_names[i].field);
		T_INT(field_names[i].name, count(a, span_z(line)),
		    field_names[i].is_ours);
	}
	T_INT("NUL", count(a, SPAN_LIT("Authentication-Results: "
	    "mx.gw.example\0; a=b\r\n")), 1);
	T_INT("NUL within", count(a, SPAN_LIT("Authentication-Results: "
	    "mx.\0gw.example; a=b\r\n")), 1);
	T_INT("bare CR", count(a, span_z("Authentication-Results: x.example\r"
	    "Authentication-Results: mx.gw.example; a=b\r\n")), 1);
	check_cuts(a);
	check_hostile(a);
	arena_destroy(&a);
	return t_done();
}
