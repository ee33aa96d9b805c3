#include <string.h>

#include "filters/received_spf.h"
#include "tests/kit/t.h"

static void
check(const char *name, const struct received_spf *r, const char *want)
{
	struct arena *a = arena_create("test");
	struct buf out = {0};

	received_spf_write(a, &out, r);
	buf_put(&out, "", 1);
	T_STR(name, out.p, want);
	buf_free(&out);
	arena_destroy(&a);
}

int
main(void)
{
	struct received_spf r = { .result = "pass", .identity = "mailfrom",
	    .comment = SPAN_LIT("mx.example: it says so"),
	    .receiver = SPAN_LIT("mx.example"),
	    .client_ip = SPAN_LIT("192.0.2.1"),
	    .envelope_from = SPAN_LIT("a@x.example"),
	    .helo = SPAN_LIT("mail.x.example"),
	    .mechanism = SPAN_LIT("ip4:192.0.2.0/24") };
	char many[RECEIVED_SPF_VALUE_MAX + 1];

	check("pass", &r, "Received-SPF: pass (mx.example: it says so)"
	    " receiver=mx.example;\r\n"
	    "\tclient-ip=192.0.2.1; envelope-from=\"a@x.example\";"
	    " helo=mail.x.example;\r\n"
	    "\tidentity=mailfrom; mechanism=\"ip4:192.0.2.0/24\"\r\n");

	r = (struct received_spf){ .result = "permerror", .identity = "helo",
	    .client_ip = SPAN_LIT("2001:db8::1"),
	    .helo = SPAN_LIT("x\"; identity=mailfrom\r\nX: y"),
	    .problem = SPAN_LIT("b\xc3\xbc\\") };
	check("hostile", &r, "Received-SPF: permerror client-ip=\"2001:db8::1\";"
	    "\r\n\thelo=\"x\\\"; identity=mailfrom??X: y\"; identity=helo;"
	    " problem=\"b?" "?" "?\"\r\n");
	r.utf8 = true;
	r.helo = SPAN_LIT("");
	check("UTF-8", &r, "Received-SPF: permerror client-ip=\"2001:db8::1\";"
	    " identity=helo;\r\n\tproblem=\"b\xc3\xbc?\"\r\n");
	memset(many, 'x', sizeof(many));
	r = (struct received_spf){ .result = "none", .identity = "helo",
	    .helo = span_n(many, sizeof(many)) };
	check("too long", &r, "Received-SPF: none identity=helo\r\n");
	return t_done();
}
