#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "tests/kit/t.h"

#define BASE "hostname mx.example\nbackend in { address smtp://192.0.2.1 }\n" \
    "route { domains \"*\" backend in }\n"
#define MX "listener mx { address 192.0.2.2:25 }\n"
#define FILTER(name) "milter " name " { address inet:192.0.2.4:99 }\n"
#define LONG "a-name-that-is-quite-long.x.example"
#define MANY LONG " b" LONG " c" LONG " d" LONG

static const struct {
	const char *name, *before, *now, *want;
} cases[] = {
	{ "nothing", BASE MX, BASE MX, "" },
	{ "written otherwise", BASE MX "max_message_size 1048576\n",
	    "max_message_size 1M\n" BASE MX, "" },
	{ "a default that is written", BASE MX,
	    BASE MX "journal { max_size 256M }\n", "" },
	{ "stats: an address", BASE MX,
	    BASE MX "stats { address 127.0.0.1:9925 }\n",
	    "  stats address: \"127.0.0.1:9925\", before none\n" },
	{ "stats: none any more",
	    BASE MX "stats { address 127.0.0.1:9925 token_file /t }\n",
	    BASE MX,
	    "  stats address: none, before \"127.0.0.1:9925\"\n"
	    "  stats token_file: none, before \"/t\"\n" },
	{ "journal",
	    BASE MX "journal { file /j max_size 1M hide subject }\n",
	    BASE MX "journal { file /k max_size 2M keep 3\n"
	    "hide senders subject key_file /key }\n",
	    "  journal file: \"/k\", before \"/j\"\n"
	    "  journal max_size: 2M, before 1M\n"
	    "  journal keep: 3, before 8\n"
	    "  journal hide: senders subject, before subject\n"
	    "  journal key_file: \"/key\", before none\n" },
	{ "at top level, and what the caller tells", BASE MX "workers 1\n",
	    BASE MX "workers 2\nrules none\nmax_sessions 5\n",
	    "  max_sessions: 5, before 20000\n" },
	{ "a list that is long",
	    BASE MX "authres { also " MANY " }\n",
	    BASE MX "authres { also " LONG " }\n",
	    "  authres also: changed\n" },
	{ "blocks with a name",
	    BASE MX "listener other { address 192.0.2.3:25 }\n"
	    "dnsbl a.example { zone a.example }\n",
	    BASE "listener mx { address 192.0.2.2:26 }\n"
	    "listener third { address 192.0.2.3:25 }\n"
	    "dnsbl b.example { zone b.example }\n"
	    "milter m { address inet:192.0.2.4:99 }\n",
	    "  dnsbl b.example: new\n"
	    "  dnsbl a.example: gone\n"
	    "  listener mx: changed\n"
	    "  listener third: new\n"
	    "  listener other: gone\n"
	    "  milter m: new\n" },
	{ "the order in which filters are asked",
	    BASE MX FILTER("a") FILTER("b") FILTER("c"),
	    BASE MX FILTER("c") FILTER("new") FILTER("b"),
	    "  milter new: new\n"
	    "  milter a: gone\n"
	    "  milters: in another order\n" },
	{ "the same order of those that stayed",
	    BASE MX FILTER("a") FILTER("b") FILTER("c"),
	    BASE MX FILTER("new") FILTER("b") FILTER("c"),
	    "  milter new: new\n"
	    "  milter a: gone\n" },
	{ "what listeners inherit is told once", BASE MX, BASE MX
	    "max_recipients 7\n", "  max_recipients: 7, before 1000\n" },
	{ "routes", BASE MX, BASE MX "route { domains x.example backend in }\n",
	    "  routes: changed\n" },
};

static struct settings *
load(struct arena *a, const char *text)
{
	const char *report;
	struct settings *s = conf_load_text(a, "x", span_z(text), false,
	    &report);

	if (s == NULL)
		T_STR("loads", report, "");
	return s;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_create("changes");
		struct settings *old = load(a, cases[i].before);
		struct settings *new = load(a, cases[i].now);
		struct buf out = {0};

		if (old != NULL && new != NULL) {
			conf_changes(old, new, &out);
			buf_put(&out, "", 1);
			T_STR(cases[i].name, out.p, cases[i].want);
		}
		buf_free(&out);
		conf_free(&old);
		conf_free(&new);
		arena_destroy(&a);
	}
	return t_done();
}
