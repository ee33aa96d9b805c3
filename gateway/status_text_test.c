#include "gateway/status_text.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "the gateway", "{\"version\":\"1\",\"pid\":7,\"state\":\"running\","
	    "\"up_s\":3,\"configuration\":\"/a b\",\"listening\":\"mx 1:25\","
	    "\"workers\":[]}",
	    "forepost 1 pid=7 state=running up=3s configuration=\"/a b\"\n"
	    "listening mx 1:25\n" },
	{ "nowhere", "{\"listening\":\"\",\"workers\":[]}",
	    "forepost\nlistening nowhere\n" },
	{ "the last reload", "{\"listening\":\"a\",\"reload\":{\"result\":"
	    "\"refused\",\"ago_s\":5,\"why\":\"x \\u001b\"}}",
	    "forepost\nlistening a\nlast reload result=refused ago=5s "
	    "why=\"x \\x1B\"\n" },
	{ "a worker without a word", "{\"workers\":[{\"index\":0,\"pid\":8,"
	    "\"state\":\"starting\",\"networks\":1,\"networks_most\":9,"
	    "\"silent_s\":0,\"status\":null}]}",
	    "forepostworker 0 pid=8 state=starting networks=1/9\n"
	    "  no word yet\n" },
	{ "what it talks to", "{\"workers\":[{\"index\":1,\"silent_s\":2,"
	    "\"status\":{\"sessions\":1,\"stress\":true,\"backends\":[{\"name\":"
	    "\"in\",\"address\":\"smtp://b\",\"state\":\"down\",\"open\":0,"
	    "\"retry_s\":4,\"why\":\"it\\u202e is\\nso\"}],\"milters\":[{"
	    "\"name\":\"m\",\"state\":\"down\"}],\"lists\":[{\"name\":\"l\","
	    "\"state\":\"suspended\",\"sides\":[{\"side\":\"IPv4\",\"why\":"
	    "\"all \\\"listed\\\"\"}],\"asked\":2}],\"store\":{\"name\":"
	    "\"lmdb /x\",\"state\":\"up\",\"connects_failed\":1,\"kind\":"
	    "\"lmdb\",\"keeper\":true,\"other\":false},\"resolver\":{\"state\":"
	    "\"up\",\"waiting\":0},\"log\":{\"dropped\":3,\"stuck\":false},"
	    "\"new\":{\"a\":[1,{}]}}}]}",
	    "forepostworker 1\n  under stress\n"
	    "  in smtp://b down open=0 retry=4s "
	    "why=\"it\\xE2\\x80\\xAE is\\x0Aso\"\n"
	    "  milter m resting\n  dns list l suspended asked=2\n"
	    "  dns list l IPv4 suspended: all \"listed\"\n"
	    "  store lmdb /x up connects-failed=1 keeper\n"
	    "  resolver up waiting=0\n  log dropped=3\n" },
	{ "its last words", "{\"workers\":[{\"silent_s\":12,\"status\":{"
	    "\"store\":null}}]}",
	    "forepostworker\n  silent for 12 s, its last words:\n" },
	{ "no JSON", "{\"a\":", NULL },
	{ "no object", "[]", NULL },
	{ "something behind it", "{} {}", NULL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("test");
		struct buf out = {0};
		struct err err;
		int ret = status_text(a, span_z(cases[i].in), &out, &err);

		buf_put(&out, "", 1);
		if (cases[i].want == NULL) {
			T_INT(cases[i].name, ret, -1);
			T_OK("says of what", span_starts_nocase(span_z(
			    err.text), "the gateway's answer: "));
		} else
			T_STR(cases[i].name, ret == 0 ? out.p : err.text,
			    cases[i].want);
		buf_free(&out);
		arena_destroy(&a);
	}
	return t_done();
}
