#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "gateway/web_filter.h"
#include "tests/kit/t.h"

#define RECORD \
	"{\"v\":1,\"time\":\"2026-11-22T17:43:32.123456Z\"," \
	"\"session\":\"5f3a\",\"id\":2,\"outcome\":\"refused\"," \
	"\"rule\":\"bad\",\"at\":\"in.rules:14\"," \
	"\"facts\":{\"sender\":\"A@x.example\",\"id\":\"7\"}," \
	"\"rcpts\":[{\"to\":\"b@\\u0079.example\"," \
	"\"outcome\":\"deferred\"},{\"to\":\"c@z.example\"," \
	"\"hits\":[{\"rule\":\"late\",\"at\":\"in.rules:20\"}]}]}"

static const struct {
	const char *query;
	bool fits;
} cases[] = {
	{ "", true },
	{ "id=5f3a", true }, { "id=5f3a.2", true }, { "id=5f3a.1", false },
	{ "id=5f3", false }, { "id=.2", true }, { "id=7", false },
	{ "sender=a%40X.exa", true }, { "sender=b@", false },
	{ "recipient=y.EXAMPLE", true }, { "recipient=c@", true },
	{ "recipient=a@x", false },
	{ "verdict=refused", true }, { "verdict=refuse", false },
	{ "verdict=deferred", true }, { "verdict=delivered", false },
	{ "rule=bad", true }, { "rule=in.rules%3A14", true },
	{ "rule=late", true }, { "rule=in.rules:20", true },
	{ "rule=in.rules:2", false },
	{ "id=5f3a&sender=a@&recipient=c@&verdict=refused&rule=late", true },
	{ "id=5f3a&sender=a@&recipient=c@&verdict=taken&rule=late", false },
	{ "limit=1&trace=1", true },
};

static const struct {
	const char *query, *want;
} wrong[] = {
	{ "limit=0", "limit: expected a number from 1 to 1000" },
	{ "limit=1001", "limit: expected a number from 1 to 1000" },
	{ "limit=", "limit: expected a number from 1 to 1000" },
	{ "limit=-1", "limit: expected a number from 1 to 1000" },
	{ "sender=%4", "a % is not followed by two hexadecimal digits" },
	{ "from=a", "there are id, sender, recipient, verdict, rule, limit "
	    "and trace to ask by, and no others" },
};

static const struct {
	const char *name, *text;
} no_records[] = {
	{ "nothing", "" },
	{ "not JSON", "{\"a\":}" },
	{ "cut", "{\"time\":\"x\"" },
	{ "an array", "[1]" },
	{ "two objects", "{}{}" },
	{ "control character", "{\"a\":\"\001\"}" },
	{ "no UTF-8", "{\"a\":\"\xff\"}" },
	{ "half a pair", "{\"a\":\"\\ud800\"}" },
};

static const struct {
	const char *in, *want;
} repairs[] = {
	{ "{}", "{}" },
	{ "\"\\udcff\"", "\"\\ufffd\"" },
	{ "\"\\uDCFFx\\udc80\"", "\"\\ufffdx\\ufffd\"" },
	{ "\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\"" },
	{ "\"\\ud83d\\udcff\\udcff\"", "\"\\ud83d\\udcff\\ufffd\"" },
	{ "\"\\\\udcff\"", "\"\\\\udcff\"" },
	{ "\"\\\\\\udcff\"", "\"\\\\\\ufffd\"" },
	{ "\\udcf", "\\udcf" },
	{ "\\", "\\" },
};

int
main(void)
{
	struct arena *a = arena_create("web filter");
	struct web_filter f;
	struct span time;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		T_OK(cases[i].query, web_filter_read(&f, a,
		    span_z(cases[i].query)) == NULL);
		T_INT(cases[i].query, web_filter_takes(&f, a,
		    span_z(RECORD), &time), cases[i].fits);
		T_OK(cases[i].query, span_is(time,
		    "2026-11-22T17:43:32.123456Z"));
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		T_STR(wrong[i].query, web_filter_read(&f, a,
		    span_z(wrong[i].query)), wrong[i].want);
	T_OK("nothing is asked", web_filter_read(&f, a, span_z("")) == NULL);
	T_INT("then the most are", f.limit, WEB_FILTER_LIMIT);
	for (size_t i = 0; i < sizeof(no_records) / sizeof(no_records[0]); i++)
		T_OK(no_records[i].name, !web_filter_takes(&f, a,
		    span_z(no_records[i].text), &time));
	for (size_t i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
		char *text = arena_strdup(a, repairs[i].in);

		web_filter_repair(text, strlen(text));
		T_STR(repairs[i].in, text, repairs[i].want);
	}
	arena_destroy(&a);
	return t_done();
}
