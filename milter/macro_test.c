#include <stdio.h>
#include <string.h>

#include "milter/macro.h"
#include "tests/kit/t.h"

/* The names of a set, with spaces between. */
static const char *
names_of(macro_set set)
{
	static char text[1024];
	size_t at = 0;

	text[0] = '\0';
	for (int m = 0; m < MACRO_COUNT; m++)
		if (set & MACRO_BIT(m))
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "%s%s", at > 0 ? " " : "", macro_name(m));
	return text;
}

static const struct {
	const char	*name;
	char		 command;
	int		 stage;
	const char	*want;
} stages[] = {
	{ "connect", 'C', SMFIM_CONNECT, "_ i j v {client_addr} "
	    "{client_name} {client_port} {client_ptr} {daemon_addr} "
	    "{daemon_name} {if_addr} {if_name}" },
	{ "HELO", 'H', SMFIM_HELO, "i {cert_issuer} {cert_subject} {cipher} "
	    "{cipher_bits} {tls_version}" },
	{ "MAIL", 'M', SMFIM_ENVFROM, "b i r s {auth_authen} {auth_author} "
	    "{auth_ssf} {auth_type} {mail_addr} {mail_host} {mail_mailer}" },
	{ "RCPT", 'R', SMFIM_ENVRCPT,
	    "i {rcpt_addr} {rcpt_host} {rcpt_mailer}" },
	{ "DATA", 'T', SMFIM_DATA, "i" },
	{ "end of header", 'N', SMFIM_EOH, "i" },
	{ "end of message", 'E', SMFIM_EOM, "i {msg_id}" },
	{ "unknown command", 'U', MACRO_AT_UNKNOWN, "" },
};

static const struct {
	const char *name, *in, *want;
} lists[] = {
	{ "empty", "", "" },
	{ "letters", "j i", "i j" },
	{ "braces", "{mail_addr} {auth_authen}", "{auth_authen} {mail_addr}" },
	{ "without braces", "mail_addr", "{mail_addr}" },
	{ "commas", "i,{mail_addr}, j", "i j {mail_addr}" },
	{ "white space all around", "  i \t j  ", "i j" },
	{ "commas alone", ",, ,", "" },
	{ "twice", "i i {i}", "i" },
	{ "unknown ones", "{no_such} q i", "i" },
	{ "half a name", "{mail_addr mail_addr}", "" },
	{ "case counts", "I {MAIL_ADDR}", "" },
};

static struct span
written(struct buf *b, char command, macro_set set, const struct span *values)
{
	buf_clear(b);
	macro_put(b, command, set, values);
	return buf_text(b);
}

static void
put_test(void)
{
	struct span values[MACRO_COUNT] = { { NULL, 0 } };
	static char large[MACRO_VALUE_MAX + 100];
	struct buf b = { 0 };

	values[MACRO_J] = SPAN_LIT("mx.example");
	values[MACRO_DAEMON_ADDR] = SPAN_LIT("192.0.2.2");
	values[MACRO_V] = SPAN_LIT("");
	T_OK("names and values", span_eq(written(&b, 'C', macro_list(SPAN_LIT(
	    "j {daemon_addr} {if_addr}")), values), SPAN_LIT("\0\0\0\47DC"
	    "j\0mx.example\0{daemon_addr}\000192.0.2.2\0")));
	T_OK("an empty value", span_eq(written(&b, 'C', MACRO_BIT(MACRO_V),
	    values), SPAN_LIT("\0\0\0\5DCv\0\0")));
	T_OK("no values: the letter alone", span_eq(written(&b, 'R',
	    MACRO_BIT(MACRO_RCPT_ADDR), values), SPAN_LIT("\0\0\0\2DR")));
	T_OK("no macros: no packet", written(&b, 'T', 0, values).len == 0);
	values[MACRO_I] = SPAN_LIT("a\0b\377");
	T_OK("octets, and NUL replaced", span_eq(written(&b, 'E',
	    MACRO_BIT(MACRO_I), values),
	    SPAN_LIT("\0\0\0\11DEi\0a?b\377\0")));
	memset(large, 'x', sizeof(large));
	for (int m = 0; m < MACRO_COUNT; m++)
		values[m] = span_n(large, sizeof(large));
	T_OK("all of them, too large, fit a packet", written(&b, 'M',
	    MACRO_BIT(MACRO_COUNT) - 1, values).len <=
	    5 + MILTER_MAX_DATA_SIZE);
	T_INT("a value is cut", written(&b, 'M', MACRO_BIT(MACRO_I),
	    values).len, 5 + 1 + 2 + MACRO_VALUE_MAX + 1);
	buf_free(&b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		T_INT(stages[i].name, macro_stage(stages[i].command),
		    stages[i].stage);
		T_STR(stages[i].name, names_of(macro_default(
		    stages[i].stage)), stages[i].want);
	}
	T_INT("no macros with the body", macro_stage('B'), -1);
	T_INT("nor with header fields", macro_stage('L'), -1);
	T_INT("nor with octet 0", macro_stage('\0'), -1);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		T_STR(lists[i].name, names_of(macro_list(span_z(
		    lists[i].in))), lists[i].want);
	for (int m = 0; m < MACRO_COUNT; m++)
		T_OK(macro_name(m), macro_list(span_z(macro_name(m))) ==
		    MACRO_BIT(m));
	put_test();
	return t_done();
}
