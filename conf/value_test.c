#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/value.h"
#include "tests/kit/t.h"

#define K UINT64_C(1024)
#define S INT64_C(1000000)

/* Numbers: what is read, and how it is written again; or the error. */
static const struct {
	const char *name;
	char kind;		/* count, percent, size, duration */
	const char *in;
	uint64_t min, max;
	uint64_t want;
	const char *text;	/* NULL: as `in` */
	const char *fault;
} numbers[] = {
	{ "a count", 'c', "42", 0, 100, 42, NULL, NULL },
	{ "the least", 'c', "1", 1, 100, 1, NULL, NULL },
	{ "the most", 'c', "100", 1, 100, 100, NULL, NULL },
	{ "zero below the least", 'c', "0", 1, 100, 0, NULL,
	    "0 is too small, the least is 1" },
	{ "above the most", 'c', "101", 1, 100, 0, NULL,
	    "101 is too large, the most is 100" },
	{ "more than 64 bits", 'c', "18446744073709551616", 0, UINT64_MAX, 0,
	    NULL, "18446744073709551616 is too large, "
	    "the most is 18446744073709551615" },
	{ "negative", 'c', "-1", 0, 100, 0, NULL, "\"-1\" is not a number" },
	{ "a sign", 'c', "+1", 0, 100, 0, NULL, "\"+1\" is not a number" },
	{ "hexadecimal", 'c', "0x10", 0, 100, 0, NULL,
	    "\"0x10\" is not a number" },
	{ "a fraction", 'c', "1.5", 0, 100, 0, NULL,
	    "\"1.5\" is not a number" },
	{ "a count with a unit", 'c', "1k", 0, 100, 0, NULL,
	    "\"1k\" is not a number" },
	{ "nothing", 'c', "", 0, 100, 0, NULL, "\"\" is not a number" },
	{ "percent", 'p', "80%", 1, 100, 80, "80", NULL },
	{ "percent without its sign", 'p', "80", 1, 100, 80, NULL, NULL },
	{ "too many percent", 'p', "101%", 1, 100, 0, NULL,
	    "101% is too large, the most is 100%" },
	{ "no percent", 'p', "all", 1, 100, 0, NULL, "\"all\" is not a share "
	    "in percent: expected, for example, 80%" },
	{ "octets", 's', "1000", 0, K * K, 1000, NULL, NULL },
	{ "octets that are a round number", 's', "2048", 0, K * K, 2048,
	    "2k", NULL },
	{ "KiB", 's', "256k", 0, K * K, 256 * K, NULL, NULL },
	{ "a capital K", 's', "256K", 0, K * K, 256 * K, "256k", NULL },
	{ "MiB", 's', "50M", 0, K * K * K, 50 * K * K, NULL, NULL },
	{ "GiB", 's', "3G", 0, 10 * K * K * K, 3 * K * K * K, NULL, NULL },
	{ "not a whole number of MiB", 's', "1536k", 0, K * K * K, 1536 * K,
	    NULL, NULL },
	{ "zero octets", 's', "0", 0, K, 0, NULL, NULL },
	{ "no such unit", 's', "50T", 0, K, 0, NULL, "\"50T\" is not a size: "
	    "expected a number and k, M or G, as in 50M" },
	{ "a unit alone", 's', "M", 0, K, 0, NULL, "\"M\" is not a size: "
	    "expected a number and k, M or G, as in 50M" },
	{ "two units", 's', "1kk", 0, K, 0, NULL, "\"1kk\" is not a size: "
	    "expected a number and k, M or G, as in 50M" },
	{ "overflow by the unit", 's', "99999999999G", 0, UINT64_MAX, 0, NULL,
	    "99999999999G is too large, the most is 18446744073709551615" },
	{ "too large", 's', "2M", 0, K * K, 0, NULL,
	    "2M is too large, the most is 1M" },
	{ "seconds", 'd', "30s", 0, 3600 * S, 30 * S, NULL, NULL },
	{ "milliseconds", 'd', "1500ms", 0, 3600 * S, 3 * S / 2, NULL, NULL },
	{ "minutes", 'd', "10m", 0, 3600 * S, 600 * S, NULL, NULL },
	{ "seconds that are minutes", 'd', "120s", 0, 3600 * S, 120 * S, "2m",
	    NULL },
	{ "hours", 'd', "2h", 0, 7200 * S, 7200 * S, NULL, NULL },
	{ "days", 'd', "36d", 0, 100 * 86400 * S, 36 * 86400 * S, NULL, NULL },
	{ "no time at all", 'd', "0", 0, S, 0, "0s", NULL },
	{ "zero with a unit", 'd', "0h", 0, S, 0, "0s", NULL },
	{ "no unit", 'd', "30", 0, 3600 * S, 0, NULL, "\"30\" is not a time: "
	    "expected a number and ms, s, m, h or d, as in 30s" },
	{ "a fraction of a second", 'd', "1.5s", 0, 3600 * S, 0, NULL,
	    "\"1.5s\" is not a time: expected a number and ms, s, m, h or d, "
	    "as in 30s" },
	{ "too short", 'd', "10ms", S / 10, 3600 * S, 0, NULL,
	    "10ms is too small, the least is 100ms" },
	{ "too long", 'd', "2h", 0, 3600 * S, 0, NULL,
	    "2h is too large, the most is 1h" },
};

static int
read_number(char kind, const char *in, uint64_t min, uint64_t max,
    uint64_t *value, struct err *err)
{
	int64_t us = 0;
	int rc = 0;

	switch (kind) {
	case 'c':
		return value_count(span_z(in), NULL, min, max, value, err);
	case 'p':
		return value_percent(span_z(in), min, max, value, err);
	case 's':
		return value_size(span_z(in), min, max, value, err);
	default:
		rc = value_duration(span_z(in), min, max, &us, err);
		*value = (uint64_t)us;
		return rc;
	}
}

static void
test_numbers(void)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *name = numbers[i].name;
		struct buf out = {0};
		struct err err;
		uint64_t n = 0;

		if (read_number(numbers[i].kind, numbers[i].in,
		    numbers[i].min, numbers[i].max, &n, &err) < 0) {
			T_STR(name, err.text, numbers[i].fault);
			continue;
		}
		T_STR(name, NULL, numbers[i].fault);
		T_INT(name, n, numbers[i].want);
		if (numbers[i].kind == 'd')
			value_put_duration(&out, (int64_t)n);
		else if (numbers[i].kind == 's')
			value_put_size(&out, n);
		else
			buf_printf(&out, "%" PRIu64, n);
		buf_put(&out, "", 1);
		T_STR(name, out.p, numbers[i].text != NULL ?
		    numbers[i].text : numbers[i].in);
		buf_free(&out);
	}
}

/* Texts, by the parser that reads them. */
typedef int	parser(struct arena *, struct span, const char **,
		    struct err *);

static int
path(struct arena *a, struct span in, const char **value, struct err *err)
{
	return value_path(a, "/etc/forepost", in, value, err);
}

static int
root_path(struct arena *a, struct span in, const char **value,
    struct err *err)
{
	return value_path(a, "/", in, value, err);
}

static int
log_target(struct arena *a, struct span in, const char **value,
    struct err *err)
{
	return value_log(a, "/etc/forepost", in, value, err);
}

static int
keyword(struct arena *a, struct span in, const char **value, struct err *err)
{
	const char *hint;

	return value_keyword(a, in, value, &hint, err);
}

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NO_SYSLOG "expected an address (no name) and a port, as in " \
	"syslog:udp://192.0.2.1:514 or syslog:tcp://[2001:db8::1]:514, or a " \
	"socket, as in syslog:rfc5424:/dev/log"
#define HEX32 "00112233445566778899aabbccddeeff"

static const struct {
	const char *name;
	parser *parse;
	const char *in, *want;
} texts[] = {
	{ "any text", value_text, "a b", "a b" },
	{ "empty text", value_text, "", "the value is empty" },
	{ "a tab in a text", value_text, "a\tb",
	    "\"a?b\" holds a control character" },
	{ "a host name", value_host, "mx1.Example.org", "mx1.Example.org" },
	{ "a host name of one label", value_host, "localhost", "localhost" },
	{ "an underscore", value_host, "a_b.example", "a_b.example" },
	{ "digits in front", value_host, "1.example", "1.example" },
	{ "the longest label", value_host, LABEL63 ".example",
	    LABEL63 ".example" },
	{ "a label too long", value_host, LABEL63 "a.e",
	    "\"" LABEL63 "a.e\" is not a host name" },
	{ "a final dot", value_host, "mx.example.",
	    "\"mx.example.\" is not a host name" },
	{ "a first dot", value_host, ".example",
	    "\".example\" is not a host name" },
	{ "two dots", value_host, "a..b", "\"a..b\" is not a host name" },
	{ "a space", value_host, "a b", "\"a b\" is not a host name" },
	{ "an address is no host name", value_host, "10.0.0.256",
	    "\"10.0.0.256\" is not a host name" },
	{ "nor is part of one", value_host, "10", "\"10\" is not a host name" },
	{ "an absolute path", path, "/a/b", "/a/b" },
	{ "a relative path", path, "a/b", "/etc/forepost/a/b" },
	{ "a path beside the file", path, "./a", "/etc/forepost/a" },
	{ "a path above", path, "../a", "/etc/forepost/../a" },
	{ "a path in the root", root_path, "a", "/a" },
	{ "no path", path, "", "the value is empty" },
	{ "stderr", log_target, "stderr", "stderr" },
	{ "syslog", log_target, "syslog", "syslog" },
	{ "a syslog daemon", log_target, "syslog:udp://192.0.2.1:514",
	    "syslog:udp://192.0.2.1:514" },
	{ "by TCP", log_target, "syslog:tcp://[2001:db8::1]:514",
	    "syslog:tcp://[2001:db8::1]:514" },
	{ "a socket of syslog", log_target, "syslog:/run/log",
	    "syslog:/run/log" },
	{ "a socket in the form of RFC 5424", log_target,
	    "syslog:rfc5424:/dev/log", "syslog:rfc5424:/dev/log" },
	{ "that form and no path", log_target, "syslog:rfc5424:dev/log",
	    "\"syslog:rfc5424:dev/log\": " NO_SYSLOG },
	{ "a syslog daemon by name", log_target, "syslog:udp://loghost:514",
	    "\"syslog:udp://loghost:514\": " NO_SYSLOG },
	{ "without port", log_target, "syslog:tcp://192.0.2.1",
	    "\"syslog:tcp://192.0.2.1\": " NO_SYSLOG },
	{ "by something else", log_target, "syslog:tls://192.0.2.1:6514",
	    "\"syslog:tls://192.0.2.1:6514\": " NO_SYSLOG },
	{ "a path of syslog", log_target, "syslog:unix:/dev/log",
	    "\"syslog:unix:/dev/log\": " NO_SYSLOG },
	{ "nothing of syslog", log_target, "syslog:",
	    "\"syslog:\": " NO_SYSLOG },
	{ "a log file", log_target, "/var/log/fp", "/var/log/fp" },
	{ "a relative log file", log_target, "./fp.log",
	    "/etc/forepost/fp.log" },
	{ "a misspelt log target", log_target, "stdout", "\"stdout\" is not "
	    "stderr, syslog or a path with a slash in it" },
	{ "a fingerprint", value_fingerprint, HEX32 HEX32, HEX32 HEX32 },
	{ "capital letters", value_fingerprint,
	    "00112233445566778899AABBCCDDEEFF" HEX32, HEX32 HEX32 },
	{ "with colons", value_fingerprint,
	    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:" HEX32,
	    HEX32 HEX32 },
	{ "too short a fingerprint", value_fingerprint, HEX32,
	    "\"" HEX32 "\" is not the SHA-256 of a certificate: expected 64 "
	    "hex digits, with or without colons" },
	{ "colons in the wrong place", value_fingerprint, "0:1", "\"0:1\" is "
	    "not the SHA-256 of a certificate: expected 64 hex digits, with "
	    "or without colons" },
	{ "a final colon", value_fingerprint, HEX32 HEX32 ":", "\"" HEX32
	    HEX32 ":\" is not the SHA-256 of a certificate: expected 64 hex "
	    "digits, with or without colons" },
	{ "an extension", keyword, "8bitmime", "8BITMIME" },
	{ "an unknown extension", keyword, "AUTH",
	    "\"AUTH\" is no extension that can be chosen" },
	{ "a domain", value_domain, "Example.ORG", "example.org" },
	{ "domains below", value_domain, ".Example.org", ".example.org" },
	{ "all domains", value_domain, "*", "*" },
	{ "a top-level domain", value_domain, ".test", ".test" },
	{ "a pattern", value_domain, "*.example", "\"*.example\" is not a "
	    "domain: expected a.example, .a.example or *" },
	{ "a dot alone", value_domain, ".", "\".\" is not a domain: expected "
	    "a.example, .a.example or *" },
	{ "a recipient", value_recipient, "User@Example.ORG",
	    "user@example.org" },
	{ "a recipient in every domain", value_recipient, "Abuse@", "abuse@" },
	{ "two at signs", value_recipient, "a@b@c.example", "a@b@c.example" },
	{ "no local part", value_recipient, "@a.example", "\"@a.example\" is "
	    "not a recipient: expected user@a.example or user@" },
	{ "no at sign", value_recipient, "a.example", "\"a.example\" is "
	    "not a recipient: expected user@a.example or user@" },
	{ "a space in a recipient", value_recipient, "a b@c", "\"a b@c\" is "
	    "not a recipient: expected user@a.example or user@" },
};

static void
test_texts(void)
{
	struct arena *a = arena_create("value test");

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *value = NULL;
		struct err err;

		if (texts[i].parse(a, span_z(texts[i].in), &value, &err) < 0)
			value = err.text;
		T_STR(texts[i].name, value, texts[i].want);
	}
	arena_destroy(&a);
}

static void
test_words(void)
{
	static const char *const words[] = { "none", "offer", "require",
	    NULL };
	const char *hint = NULL;
	unsigned value = 9;
	struct err err;

	T_INT("a word", value_word(SPAN_LIT("offer"), words, &value, &hint,
	    &err), 0);
	T_INT("its index", value, 1);
	T_INT("not a word", value_word(SPAN_LIT("requires"), words, &value,
	    &hint, &err), -1);
	T_STR("not a word", err.text,
	    "\"requires\" is not one of none, offer or require");
	T_STR("hint", hint, "require");
	T_INT("case matters", value_word(SPAN_LIT("None"), words, &value,
	    &hint, &err), -1);
	T_STR("but the hint does not mind", hint, "none");
}

static void
test_strings(void)
{
	struct buf out = {0};

	value_put_string(&out, "a \"b\" \\c");
	T_OK("quotes and escapes", span_is(buf_text(&out),
	    "\"a \\\"b\\\" \\\\c\""));
	buf_free(&out);
}

int
main(void)
{
	test_numbers();
	test_texts();
	test_words();
	test_strings();
	return t_done();
}
