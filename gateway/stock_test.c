#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "tests/kit/t.h"

/* DIR in a configuration is the folder made for the test. */
static char folder[] = "/tmp/stock_test.XXXXXX";

static const char *
path_of(struct arena *a, const char *name)
{
	return arena_printf(a, "%s/%s", folder, name);
}

static struct settings *
read_settings(struct arena *a, const char *store)
{
	const char *report;
	struct settings *s = conf_load_text(a, "x", span_z(arena_printf(a,
	    "hostname mx.example.org\nlistener mx { address 0.0.0.0:25 }\n"
	    "backend inside { address smtp://10.0.0.5 }\n"
	    "route { domains \"example.org\" backend inside }\n"
	    "store { %s }\n", store)), false, &report);

	if (s == NULL) {
		fputs(report, stderr);
		abort();
	}
	return s;
}

/* --- the password --- */

#define HUNDRED "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU" \
	"VWXYZ0123456789abcdefghijklmnopqrstuvwxyzABC"
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
	HUNDRED HUNDRED HUNDRED

static const struct {
	const char *name, *text, *want;
} passwords[] = {
	{ "a line", "secret\n", "secret" },
	{ "without an end", "secret", "secret" },
	{ "of another system", "secret\r\n", "secret" },
	{ "what is behind it is not looked at", " a b \n# comment\n", " a b " },
	{ "an empty file", "", "its first line is empty" },
	{ "an empty line", "\nsecret\n", "its first line is empty" },
	{ "a long one", THOUSAND "\n", THOUSAND },
	{ "no password at all", THOUSAND HUNDRED,
	    "its first line has more than 1024 octets" },
};

static void
test_passwords(struct arena *a)
{
	const char *path = path_of(a, "password"), *password;
	const char *before = arena_printf(a, "password_file %s: ", path);
	struct settings *s = read_settings(a, arena_printf(a,
	    "address redis://a.example password_file \"%s\"", path));
	struct err err;

	for (size_t i = 0; i < sizeof(passwords) / sizeof(*passwords); i++) {
		FILE *f = fopen(path, "w");

		if (f == NULL || fputs(passwords[i].text, f) < 0 ||
		    fclose(f) != 0)
			abort();
		if (stock_password(a, s, &password, &err) == 0)
			T_STR(passwords[i].name, password, passwords[i].want);
		else
			T_STR(passwords[i].name, err.text, arena_printf(a,
			    "%s%s", before, passwords[i].want));
	}
	unlink(path);
	T_INT("no file", stock_password(a, s, &password, &err), -1);
	T_STR("no file", err.text, arena_printf(a,
	    "%sNo such file or directory", before));
	conf_free(&s);
	s = read_settings(a, "address redis://a.example");
	T_INT("none is set", stock_password(a, s, &password, &err), 0);
	T_OK("none is set", password == NULL);
	conf_free(&s);
}

/* --- opening and counting --- */

static MAY_YIELD void
use(void *arg)
{
	struct stock *stock = arg;
	struct arena *a = arena_create("stock test");
	struct span value;
	struct err err;
	int64_t sum;

	T_INT("put", store_put(stock->store, SPAN_LIT("k"), SPAN_LIT("v"),
	    CLOCK_S, &err), 0);
	T_INT("get", store_get(stock->store, a, SPAN_LIT("k"), &value, &err),
	    0);
	for (int i = 0; i < STORE_FAILURES; i++)
		T_INT("not a number", store_add(stock->store, SPAN_LIT("k"),
		    1, CLOCK_S, &sum, &err), -1);
	stock_count(stock);
	T_INT("operations", stats_get(STAT_STORE_OPERATIONS), 5);
	T_INT("declined", stats_get(STAT_STORE_DECLINED), 3);
	T_INT("timeouts", stats_get(STAT_STORE_TIMEOUTS), 0);
	T_INT("it takes no changes", stats_get(STAT_STORE_FAILING), 1);
	T_INT("and again", store_put(stock->store, SPAN_LIT("k"),
	    SPAN_LIT("v"), CLOCK_S, &err), 0);
	stock_count(stock);
	T_INT("what was counted is not counted again",
	    stats_get(STAT_STORE_OPERATIONS), 6);
	T_INT("it is well again", stats_get(STAT_STORE_FAILING), 0);
	T_INT("it was not down", stats_get(STAT_STORE_DOWNS), 0);
	stock_stop(stock);
	arena_destroy(&a);
}

static void
test_lmdb(struct arena *a)
{
	struct settings *s = read_settings(a, arena_printf(a,
	    "address \"lmdb:%s/store\" size 16M", folder));
	struct buf text = {0};
	struct json_out out = { .to = &text };
	struct stock *stock;
	struct err err;

	stock = stock_open(s, NULL, &err);
	T_OK("it is made", stock != NULL && stock->store != NULL);
	if (stock == NULL)
		return;
	fiber_spawn("use of the store", use, stock);
	while (fiber_count() > 0)
		loop_turn(true);
	stock_status(stock, &out);
	buf_put(&text, "", 1);
	T_OK("its state", strstr(text.p, "\"up\",\"operations\":6,") != NULL);
	buf_free(&text);
	stock_close(&stock);
	T_OK("closed", stock == NULL);
	conf_free(&s);
	s = read_settings(a, arena_printf(a,
	    "address \"lmdb:%s/missing/store\"", folder));
	T_OK("a folder that cannot be made",
	    stock_open(s, NULL, &err) == NULL);
	T_OK("is named", strstr(err.text, "/missing/store: ") != NULL);
	conf_free(&s);
}

static void
test_none(struct arena *a)
{
	struct settings *s = read_settings(a, "address none");
	struct buf text = {0};
	struct json_out out = { .to = &text };
	struct err err;
	struct stock *stock = stock_open(s, NULL, &err);

	T_OK("none", stock != NULL && stock->store == NULL);
	stock_count(stock);
	stock_status(stock, &out);
	T_OK("nothing to tell", span_is(buf_text(&text), "\"store\":null"));
	buf_free(&text);
	stock_stop(stock);
	stock_close(&stock);
	conf_free(&s);
}

static void
remove_all(struct arena *a)
{
	glob_t found;

	if (glob(path_of(a, "store/*"), 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	T_INT("clean up", rmdir(path_of(a, "store")), 0);
	T_INT("clean up", rmdir(folder), 0);
}

int
main(void)
{
	struct arena *a = arena_create("stock test");

	if (mkdtemp(folder) == NULL)
		abort();
	loop_create();
	test_passwords(a);
	test_none(a);
	test_lmdb(a);
	remove_all(a);
	loop_destroy();
	arena_destroy(&a);
	return t_done();
}
