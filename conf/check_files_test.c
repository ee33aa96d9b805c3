#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/kit/cert.h"
#include "tests/kit/t.h"

/*
 * What is named in the configuration is opened and looked at. DIR in a
 * configuration and in a report is the folder made for the test.
 */
static char folder[] = "/tmp/check_files_test.XXXXXX";

static const struct {
	const char *name, *conf, *want;
} cases[] = {
	{ "certificates and keys that fit", "spool \"DIR\"\n"
	    "certificate DIR/good.pem DIR/rsa.pem\n"
	    "key DIR/good.key DIR/rsa.key\n"
	    "tls_client_ca DIR/good.pem\ntls_client_certificate ask\n", "" },
	{ "no spool folder", "spool \"DIR/missing\"\n",
	    "x:1:1: spool: cannot find DIR/missing: "
	    "No such file or directory\n  spool \"DIR/missing\"\n  ^\n" },
	{ "a spool folder that is none", "spool \"DIR/good.pem\"\n",
	    "x:1:1: spool: DIR/good.pem is not a folder\n"
	    "  spool \"DIR/good.pem\"\n  ^\n" },
	{ "no such user and group",
	    "spool DIR\nuser no-such-user\ngroup no-such-group\n",
	    "x:2:1: there is no user \"no-such-user\" on this machine\n"
	    "  user no-such-user\n  ^\n"
	    "x:3:1: there is no group \"no-such-group\" on this machine\n"
	    "  group no-such-group\n  ^\n" },
	{ "no trust anchor", "spool DIR\n"
	    "resolver { trust_anchor DIR/missing }\n",
	    "x:2:12: trust_anchor: cannot open DIR/missing: "
	    "No such file or directory\n"
	    "  resolver { trust_anchor DIR/missing }\n"
	    "             ^\n" },
	{ "no file of rules", "spool DIR\nrules \"DIR/missing.rules\"\n",
	    "x:2:1: rules: cannot open DIR/missing.rules: "
	    "No such file or directory\n"
	    "  rules \"DIR/missing.rules\"\n  ^\n" },
	{ "folders where files are to be", "spool DIR\nlog DIR\n"
	    "journal { file DIR/. }\nstats { token_file DIR "
	    "address 127.0.0.1:9 }\n",
	    "x:2:1: log: DIR is a folder\n  log DIR\n  ^\n"
	    "x:3:11: file: DIR/. is a folder\n  journal { file DIR/. }\n"
	    "            ^\n"
	    "x:4:9: token_file: DIR is a folder\n"
	    "  stats { token_file DIR address 127.0.0.1:9 }\n          ^\n" },
	{ "a Maildir that is a file", "spool DIR\n"
	    "backend b { address maildir:DIR/good.pem }\n",
	    "x:2:21: DIR/good.pem is not a folder\n"
	    "  backend b { address maildir:DIR/good.pem }\n"
	    "                      ^\n" },
	{ "a Maildir that is not there yet", "spool DIR\n"
	    "backend b { address maildir:DIR/new }\n", "" },
	{ "a store that is made with the first start", "spool DIR\n"
	    "store { address lmdb:DIR/store }\n", "" },
	{ "a store where there is no folder", "spool DIR\n"
	    "store { address lmdb:DIR/missing/store }\n",
	    "x:2:9: address: cannot find DIR/missing: "
	    "No such file or directory\n"
	    "  store { address lmdb:DIR/missing/store }\n          ^\n" },
	{ "a store that is a file", "spool DIR\n"
	    "store { address lmdb:DIR/good.pem }\n",
	    "x:2:9: DIR/good.pem is not a folder\n"
	    "  store { address lmdb:DIR/good.pem }\n          ^\n" },
	{ "a password that others cannot read", "spool DIR\n"
	    "store { address redis:unix:/r password_file DIR/secret }\n",
	    "" },
	{ "a password that is not there", "spool DIR\n"
	    "store { address redis:unix:/r password_file DIR/missing }\n",
	    "x:2:31: password_file: cannot open DIR/missing: "
	    "No such file or directory\n"
	    "  store { address redis:unix:/r password_file DIR/missing }\n"
	    "                                ^\n" },
	{ "names from files", "spool DIR\n"
	    "route { domains file DIR/domains backend inside }\n"
	    "route { recipients \"a@a.example\" file \"DIR/recipients\"\n"
	    "backend inside }\n", "" },
	{ "a wrong name in a file", "spool DIR\n"
	    "route { domains file DIR/bad-domains backend inside }\n",
	    "DIR/bad-domains:2:3: domains: \"a b\" is not a domain: "
	    "expected a.example, .a.example or *\n    a b # two\n    ^\n" },
	{ "a file of names that is missing", "spool DIR\n"
	    "route { domains file DIR/missing backend inside }\n",
	    "x:2:22: domains: cannot open DIR/missing: "
	    "No such file or directory\n"
	    "  route { domains file DIR/missing backend inside }\n"
	    "                       ^\n" },
	{ "two files that name one domain", "spool DIR\n"
	    "backend b { address smtp://10.0.0.6 }\n"
	    "route { domains file DIR/domains backend inside }\n"
	    "route { domains file DIR/domains-too backend b }\n",
	    "DIR/domains-too:1:1: \"two.example\" is already routed to another "
	    "backend at DIR/domains:4:2\n  Two.example\n  ^\n" },
};

/* The errors of tls.h name the file; where they are shown is ours. */
static const struct {
	const char *name, *conf, *place, *file;
} tls_cases[] = {
	{ "no such certificate", "certificate DIR/good.pem DIR/missing.pem\n"
	    "key DIR/good.key DIR/rsa.key\n", "x:2:", "missing.pem" },
	{ "no such key", "certificate DIR/good.pem\nkey DIR/missing.key\n",
	    "x:2:", "missing.key" },
	{ "the key of another certificate", "certificate DIR/good.pem\n"
	    "key DIR/rsa.key\n", "x:2:", "good.pem" },
	{ "no PEM file", "certificate DIR/domains\nkey DIR/good.key\n",
	    "x:2:", "domains" },
	{ "no such client authority", "certificate DIR/good.pem\n"
	    "key DIR/good.key\ntls_client_ca DIR/missing.pem\n", "x:4:",
	    "missing.pem" },
	{ "no such backend authority", "backend b { tls verify tls_ca "
	    "DIR/missing.pem address smtp://b.example }\n", "x:2:",
	    "missing.pem" },
};

static char *
replace(struct arena *a, const char *text, const char *from, const char *to)
{
	char *out = arena_strdup(a, ""), *at;

	while ((at = strstr(text, from)) != NULL) {
		out = arena_printf(a, "%s%.*s%s", out, (int)(at - text), text,
		    to);
		text = at + strlen(from);
	}
	return arena_printf(a, "%s%s", out, text);
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static const char *
report_on(struct arena *a, const char *conf, bool *is_ok)
{
	const char *report, *text = arena_printf(a, "%s"
	    "hostname mx.example.org\n"
	    "listener mx { address 0.0.0.0:25 }\n"
	    "backend inside { address smtp://10.0.0.5 }\n"
	    "route { domains \"elsewhere.example\" backend inside }\n", conf);
	struct settings *s;

	text = replace(a, text, "DIR", folder);
	s = conf_load_text(a, "x", span_z(text), true, &report);
	*is_ok = s != NULL;
	conf_free(&s);
	return replace(a, report, folder, "DIR");
}

static void
test_tls(struct arena *a)
{
	for (size_t i = 0; i < sizeof(tls_cases) / sizeof(*tls_cases); i++) {
		const char *conf, *report, *name = tls_cases[i].name;
		bool is_ok;

		conf = arena_printf(a, "spool DIR\n%s", tls_cases[i].conf);
		report = report_on(a, conf, &is_ok);
		T_OK(name, !is_ok);
		T_STR(name, arena_printf(a, "%.4s", report),
		    tls_cases[i].place);
		T_OK(name, strstr(report, tls_cases[i].file) != NULL);
	}
}

static void
test_expired(struct arena *a)
{
	bool is_ok;
	const char *report = report_on(a, "spool DIR\n"
	    "certificate DIR/past.pem\nkey DIR/past.key\n", &is_ok);
	const char *want = "x:2:13: warning: the certificate DIR/past.pem "
	    "expired on 20";

	T_OK("an expired certificate is taken", is_ok);
	T_STR("with a warning that has the date",
	    arena_printf(a, "%.*s", (int)strlen(want), report), want);
}

static void
test_open_password(struct arena *a)
{
	bool is_ok;
	const char *report = report_on(a, "spool DIR\n"
	    "store { address redis:unix:/r password_file DIR/domains }\n",
	    &is_ok);

	T_OK("a password that all can read is taken", is_ok);
	T_STR("with a warning", report, "x:2:31: warning: password_file: "
	    "everybody on this machine can read DIR/domains\n"
	    "  store { address redis:unix:/r password_file DIR/domains }\n"
	    "                                ^\n"
	    "  chmod o= DIR/domains\n");
}

static void
test_filters(struct arena *a)
{
	bool is_ok;
	const char *report = report_on(a, "spool DIR\n"
	    "milter a { address unix:DIR/no/filter }\n"
	    "milter b { address unix:DIR/good.pem }\n"
	    "milter c { address inet:localhost:1 }\n", &is_ok);

	T_OK("filters that are not there now are taken", is_ok);
	T_STR("with warnings", report, "x:2:12: warning: address: no filter "
	    "is there now: DIR/no/filter: No such file or directory\n"
	    "  milter a { address unix:DIR/no/filter }\n"
	    "             ^\n"
	    "x:3:12: warning: address: DIR/good.pem is no socket\n"
	    "  milter b { address unix:DIR/good.pem }\n"
	    "             ^\n");
}

static void
test_names(struct arena *a)
{
	const char *report, *text = replace(a, "hostname mx.example.org\n"
	    "spool DIR\n"
	    "listener mx { address 0.0.0.0:25 }\n"
	    "backend inside { address smtp://10.0.0.5 }\n"
	    "route { domains file DIR/domains \"more.example\"\n"
	    "backend inside }\n", "DIR", folder);
	struct settings *s = conf_load_text(a, "x", span_z(text), true,
	    &report);

	T_STR("names from a file", report, "");
	if (s == NULL)
		return;
	T_INT("how many", s->routes[0].domains.n, 4);
	T_STR("the first", s->routes[0].domains.list[0], "one.example");
	T_STR("in small letters", s->routes[0].domains.list[1],
	    "two.example");
	T_STR("below", s->routes[0].domains.list[2], ".three.example");
	T_STR("and one from the setting", s->routes[0].domains.list[3],
	    "more.example");
	conf_free(&s);
}

static void
test_cases(struct arena *a)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool is_ok;
		const char *report = report_on(a, cases[i].conf, &is_ok);

		T_STR(cases[i].name, report, cases[i].want);
		T_OK(cases[i].name, is_ok == (report[0] == '\0'));
	}
}

static void
remove_files(struct arena *a)
{
	glob_t found;

	T_INT("clean up", glob(arena_printf(a, "%s/*", folder), 0, NULL,
	    &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		unlink(found.gl_pathv[i]);
	globfree(&found);
	T_INT("clean up", rmdir(folder), 0);
}

int
main(void)
{
	struct arena *a = arena_create("check_files test");

	if (mkdtemp(folder) == NULL)
		abort();
	cert_write(folder, &(struct cert_spec){ .name = "good",
	    .is_ca = true });
	cert_write(folder, &(struct cert_spec){ .name = "rsa",
	    .is_rsa = true });
	cert_write(folder, &(struct cert_spec){ .name = "past", .days = -2 });
	write_file("domains", "# ours\n\none.example # comment\n\tTwo.Example"
	    "\r\n.three.example");
	write_file("domains-too", "Two.example\n");
	write_file("bad-domains", "one.example\n  a b # two\n");
	write_file("recipients", "b@a.example\nabuse@\n");
	write_file("secret", "x\n");
	chmod(arena_printf(a, "%s/secret", folder), 0600);
	chmod(arena_printf(a, "%s/domains", folder), 0644);
	test_cases(a);
	test_tls(a);
	test_expired(a);
	test_names(a);
	test_open_password(a);
	test_filters(a);
	remove_files(a);
	arena_destroy(&a);
	return t_done();
}
