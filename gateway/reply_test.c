#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/reply.h"
#include "tests/kit/t.h"

static void
test_format(void)
{
	static const struct {
		const char *name;
		int code;
		const char *enhanced, *text, *id, *want;
	} rows[] = {
		{ "2yz has no id", 250, "2.1.0", "Ok", "s1",
		    "250 2.1.0 Ok\r\n" },
		{ "4yz has one", 451, "4.3.0", "later", "s1",
		    "451 4.3.0 later [s1]\r\n" },
		{ "5yz has one", 550, "5.1.1", "no", "s1",
		    "550 5.1.1 no [s1]\r\n" },
		{ "no id given", 550, "5.1.1", "no", NULL,
		    "550 5.1.1 no\r\n" },
		{ "no enhanced code", 354, "", "go on", "s1",
		    "354 go on\r\n" },
		{ "several lines", 250, "", "a\nSIZE 1\nDSN", "s1",
		    "250-a\r\n250-SIZE 1\r\n250 DSN\r\n" },
		{ "enhanced code on each, id on the last", 554, "5.7.1",
		    "a\nb", "s1", "554-5.7.1 a\r\n554 5.7.1 b [s1]\r\n" },
		{ "an empty line", 554, "5.7.1", "a\n\nb", NULL,
		    "554-5.7.1 a\r\n554-5.7.1\r\n554 5.7.1 b\r\n" },
		{ "no text", 250, "", "", "s1", "250 \r\n" },
		{ "no text but a code", 250, "2.0.0", "", "s1",
		    "250 2.0.0\r\n" },
		{ "controls", 550, "5.0.0", "a\rb\tc\033d\177e", NULL,
		    "550 5.0.0 a?b c?d?e\r\n" },
		{ "UTF-8", 550, "5.0.0", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
		    "\xf0\x9f\x93\xa7", NULL, "550 5.0.0 gr\xc3\xbc\xc3\x9f "
		    "\xe2\x82\xac \xf0\x9f\x93\xa7\r\n" },
		{ "C1 control", 550, "5.0.0", "a\xc2\x9b""b", NULL,
		    "550 5.0.0 a?b\r\n" },
		{ "not UTF-8", 550, "5.0.0", "gr\xfc\xdf \xc3", NULL,
		    "550 5.0.0 gr?? ?\r\n" },
	};
	struct buf out;
	struct reply r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out = (struct buf){0};
		r = reply(rows[i].code, rows[i].enhanced, "%s", rows[i].text);
		reply_format(&r, rows[i].id, &out);
		buf_put(&out, "", 1);
		T_STR(rows[i].name, out.p, rows[i].want);
		buf_free(&out);
	}
	r = reply_none();
	out = (struct buf){0};
	reply_format(&r, "s1", &out);
	T_INT("nothing to say", out.len, 0);
}

/* `n` octets of "a" and then the tail. */
static const char *
long_text(size_t n, const char *tail)
{
	static char text[2000];

	memset(text, 'a', n);
	snprintf(text + n, sizeof(text) - n, "%s", tail);
	return text;
}

static void
test_cut(void)
{
	struct buf out = {0};
	struct reply r;

	r = reply(550, "5.7.1", "%s", long_text(500, ""));
	reply_format(&r, "abcdef", &out);
	T_INT("a line is cut to 512", out.len, 512);
	T_OK("the id is kept",
	    memcmp(out.p + 512 - 12, "a [abcdef]\r\n", 12) == 0);
	buf_clear(&out);

	r = reply(250, "2.0.0", "%s", long_text(499, "\xc3\xbc"));
	reply_format(&r, NULL, &out);
	T_INT("a character is not cut", out.len, 511);
	buf_free(&out);

	r = reply(550, "5.7.1", "%s", long_text(1500, ""));
	T_OK("a long text is marked cut", r.cut);
	r = reply(250, "", "hi");
	T_OK("a short one is not", !r.cut);
}

static void
test_values(void)
{
	static const struct {
		const char	*name;
		enum err_kind	 kind;
		int		 code;
		const char	*enhanced;
	} rows[] = {
		{ "timeout", ERR_TIMEOUT, 451, "4.4.2" },
		{ "unavailable", ERR_UNAVAIL, 451, "4.4.1" },
		{ "nonsense", ERR_SYNTAX, 451, "4.3.0" },
		{ "configuration", ERR_CONFIG, 451, "4.3.0" },
		{ "client gone", ERR_CLOSED, 0, "" },
	};
	struct err err;
	struct reply r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err_set(&err, rows[i].kind, "backend secret.internal");
		r = reply_err(&err);
		T_INT(rows[i].name, r.code, rows[i].code);
		T_STR(rows[i].name, r.enhanced, rows[i].enhanced);
		T_OK(rows[i].name, r.close == (rows[i].code == 0));
		T_OK(rows[i].name, strstr(r.text, "secret") == NULL);
	}
}

static void
test_kinds(void)
{
	struct reply r;

	r = reply_close(421, "4.3.2", "bye");
	T_OK("421 closes", r.close && r.code == 421);
	r = reply(250, "", "hi");
	T_OK("250 is ok", reply_is_ok(&r) && !reply_is_permanent(&r));
	T_OK("250 does not close", !r.close);
	r = reply(354, "", "hi");
	T_OK("354 is neither", !reply_is_ok(&r) && !reply_is_permanent(&r));
	r = reply(550, "", "hi");
	T_OK("550 is permanent", !reply_is_ok(&r) && reply_is_permanent(&r));
}

/* --- reading --- */

static struct conn *
conn_of(const char *bytes, size_t len)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
	    send(fd[1], bytes, len, 0) != (ssize_t)len)
		abort();
	close(fd[1]);
	return conn_open(fd[0]);
}

static void
test_read(void)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "one line", "250 Ok\r\n", "250||Ok" },
		{ "no text", "250\r\n", "250||" },
		{ "no text, a space", "250 \r\n", "250||" },
		{ "enhanced code", "550 5.1.1 no such user\r\n",
		    "550|5.1.1|no such user" },
		{ "enhanced code alone", "250 2.0.0\r\n", "250|2.0.0|" },
		{ "enhanced code of another class", "250 5.1.1 what\r\n",
		    "250||5.1.1 what" },
		{ "three digits", "451 4.7.650 slow\r\n", "451|4.7.650|slow" },
		{ "not an enhanced code", "250 2.0.0.1 v\r\n",
		    "250||2.0.0.1 v" },
		{ "nor that", "250 2.1 hi\r\n", "250||2.1 hi" },
		{ "nor that with too many digits", "250 2.1000.1 hi\r\n",
		    "250||2.1000.1 hi" },
		{ "several lines", "250-a\r\n250-SIZE 5\r\n250 DSN\r\n",
		    "250||a\nSIZE 5\nDSN" },
		{ "enhanced code on each",
		    "550-5.7.1 a\r\n550-5.7.1\r\n550 5.7.1 c\r\n",
		    "550|5.7.1|a\n\nc" },
		{ "another enhanced code", "550-5.7.1 a\r\n550 5.1.1 b\r\n",
		    "550|5.7.1|a\n5.1.1 b" },
		{ "UTF-8 text", "550 gr\xc3\xbc\xc3\x9f\r\n",
		    "550||gr\xc3\xbc\xc3\x9f" },
		{ "codes differ", "250-a\r\n550 b\r\n",
		    "answered nonsense (another code than the line before): "
		    "\"550 b\"" },
		{ "no code", "hello\r\n",
		    "answered nonsense (no reply code): \"hello\"" },
		{ "two digits", "25\r\n",
		    "answered nonsense (no reply code): \"25\"" },
		{ "no such code", "199 a\r\n",
		    "answered nonsense (no reply code): \"199 a\"" },
		{ "nor that", "600 a\r\n",
		    "answered nonsense (no reply code): \"600 a\"" },
		{ "bad separator", "250_Ok\r\n",
		    "answered nonsense (no reply code): \"250_Ok\"" },
		{ "bare LF", "550 no <x\n250 y>\r\n",
		    "answered nonsense (bare LF): \"550 no <x\"" },
		{ "bare CR", "550 no <x\r250 y>\r\n",
		    "answered nonsense (bare CR): \"550 no <x?250 y>\"" },
		{ "closed", "250-a\r\n", "closed by the peer" },
	};
	struct conn *c;
	struct reply r;
	struct err err;
	char got[REPLY_TEXT + 32];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = conn_of(rows[i].in, strlen(rows[i].in));
		if (reply_read(c, 0, &r, &err) < 0)
			T_STR(rows[i].name, err.text, rows[i].want);
		else {
			snprintf(got, sizeof(got), "%d|%s|%s", r.code,
			    r.enhanced, r.text);
			T_STR(rows[i].name, got, rows[i].want);
		}
		conn_close(&c);
	}
}

static void
add_line(void *arg, struct span text)
{
	struct buf *lines = arg;

	buf_span(lines, text);
	buf_puts(lines, ";");
}

static void
test_read_lines(void)
{
	static const char ehlo[] = "250-mx\r\n250-SIZE 5\r\n250 2.0.0 x\r\n";
	struct conn *c = conn_of(ehlo, strlen(ehlo));
	struct buf lines = {0};
	struct reply r;
	struct err err;

	T_INT("lines: read", reply_read_lines(c, 0, &r, add_line, &lines,
	    &err), 0);
	buf_put(&lines, "", 1);
	T_STR("lines: each as it came", lines.p, "mx;SIZE 5;2.0.0 x;");
	buf_free(&lines);
	conn_close(&c);
}

static void
test_read_limits(void)
{
	struct buf in = {0};
	struct conn *c;
	struct reply r;
	struct err err;
	int i;

	for (i = 0; i < 99; i++)
		buf_puts(&in, "250-a line of text\r\n");
	buf_puts(&in, "250 end\r\n");
	c = conn_of(in.p, in.len);
	T_INT("100 lines", reply_read(c, 0, &r, &err), 0);
	T_OK("100 lines: text is cut", r.cut &&
	    strlen(r.text) == REPLY_TEXT - 1);
	conn_close(&c);

	buf_clear(&in);
	for (i = 0; i < 200; i++)
		buf_puts(&in, "250-a\r\n");
	c = conn_of(in.p, in.len);
	T_INT("no end of lines", reply_read(c, 0, &r, &err), -1);
	T_STR("no end of lines", err.text,
	    "answered nonsense (too many lines): \"250-a\"");
	conn_close(&c);

	buf_clear(&in);
	buf_puts(&in, "550 5.7.1 ");
	for (i = 0; i < 5000; i++)
		buf_puts(&in, "x");
	buf_puts(&in, "\r\n250 next\r\n");
	c = conn_of(in.p, in.len);
	T_INT("long line", reply_read(c, 0, &r, &err), 0);
	T_INT("long line: code", r.code, 550);
	T_OK("long line: cut", r.cut && r.text[0] == 'x');
	T_INT("long line: the next", reply_read(c, 0, &r, &err), 0);
	T_STR("long line: the next", r.text, "next");
	conn_close(&c);

	c = conn_of("250 a\0b\r\n", 9);
	T_INT("NUL", reply_read(c, 0, &r, &err), -1);
	T_OK("NUL", strstr(err.text, "NUL") != NULL);
	conn_close(&c);
	buf_free(&in);
}

int
main(void)
{
	test_format();
	test_cut();
	test_values();
	test_kinds();
	test_read();
	test_read_lines();
	test_read_limits();
	return t_done();
}
