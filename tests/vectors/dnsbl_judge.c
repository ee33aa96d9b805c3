#include <arpa/inet.h>

#include "base/clock.h"
#include "filters/dnsbl.h"
#include "filters/dnsbl_probe.h"
#include "tests/vectors/judge.h"

/*
 * In: "list": { "zone", "checks": [words], "replies": [lines] }, and "client"
 * (an address) or one of "sender", "helo", "reverse", "from", "dkim"; "probe":
 * "IPv4", "IPv6" or "domains".
 *
 * Out: "bad" if the client is no address; "prefix" of the client and whether
 * it is "private"; "state", "addresses", "score" and "reason" of what the list
 * says, nothing if it is not asked; "condition" and "why" of the probe.
 */

static int
parse_line(struct arena *a, const char *text, struct listing_pattern *p,
    struct err *err)
{
	struct span words[8], line = span_z(text);
	const char *hint;
	size_t n = 0;

	while (line.len > 0 && n < 8)
		words[n++] = span_word(&line);
	return listing_parse(a, words, n, p, &hint, err);
}

static int
read_list(struct arena *a, json_t *in, struct dnsbl_list *list,
    struct err *err)
{
	json_t *replies = json_object_get(in, "replies"), *item;
	struct listing_pattern *p;
	const char *hint;
	unsigned bits;
	size_t i;

	*list = (struct dnsbl_list){ .name = "list", .timeout = DNSBL_TIMEOUT,
	    .test_points = true, .max_share = 50 };
	list->patterns = arena_new_n(a, LISTING_PATTERNS,
	    struct listing_pattern);
	json_array_foreach(replies, i, item) {
		p = &list->patterns[list->npatterns++];
		if (list->npatterns > LISTING_PATTERNS ||
		    parse_line(a, json_string_value(item), p, err) < 0)
			return -1;
	}
	json_array_foreach(json_object_get(in, "checks"), i, item) {
		if (listing_check(span_z(json_string_value(item)), &bits,
		    &hint, err) < 0)
			return -1;
		list->checks |= bits;
	}
	return listing_zone(a, span_z(judge_text(in, "zone")), &list->zone,
	    err);
}

static void
say_client(struct arena *a, const struct addr *ip, json_t *out)
{
	enum dnsbl_side side;

	judge_say(out, "prefix", dnsbl_query_address(a, ip, &side));
	json_object_set_new(out, "private",
	    json_boolean(dnsbl_query_is_private(ip)));
}

static MAY_YIELD void
say_result(struct arena *a, const struct dnsbl_answer *answer, json_t *out)
{
	const struct dnsbl_result *r = &answer->results[0];
	json_t *addresses = json_array();
	char text[INET_ADDRSTRLEN];
	struct buf score = {0};
	const char *reason;
	struct err err;

	judge_say(out, "state", dnsbl_state_name(r->reading.state));
	for (size_t i = 0; i < r->reading.n; i++)
		json_array_append_new(addresses, json_string(inet_ntop(
		    AF_INET, r->reading.addresses[i].octet, text,
		    sizeof(text))));
	json_object_set_new(out, "addresses", addresses);
	listing_put_score(&score, answer->score);
	judge_say(out, "score", arena_copy(a, buf_text(&score)));
	buf_free(&score);
	if (r->reading.state == DNSBL_LISTED && dnsbl_reason(a, r,
	    clock_now() + CLOCK_S, &reason, &err) == 0)
		judge_say(out, "reason", reason);
}

static MAY_YIELD void
ask(struct arena *a, const struct dnsbl_list *list,
    const struct dnsbl_subject *subject, json_t *out)
{
	struct dnsbl_options options = { .lists = list, .n = 1 };
	struct dnsbl *d = dnsbl_create(a, &options);
	struct dnsbl_answer answer;
	struct err err;

	if (dnsbl_check(a, d, subject, 1, &answer, &err) < 0)
		judge_say(out, "bad", err.text);
	else if (answer.nresults > 0)
		say_result(a, &answer, out);
}

static MAY_YIELD void
probe(struct arena *a, const struct dnsbl_list *list, const char *side,
    json_t *out)
{
	static const char *const conditions[] = { "good", "sick", "silent" };
	struct dnsbl_finding found;
	struct err err;
	int i = 0;

	while (!span_is(span_z(side), dnsbl_side_name((enum dnsbl_side)i)))
		i++;
	if (dnsbl_probe(a, list, (enum dnsbl_side)i, NULL, 0, 100, &found,
	    &err) < 0)
		return;
	judge_say(out, "condition", conditions[found.condition]);
	judge_say(out, "why", found.why);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	static const enum listing_check checks[] = { LISTING_SENDER,
	    LISTING_HELO, LISTING_REVERSE, LISTING_FROM, LISTING_DKIM };
	const char *client = judge_text(in, "client"), *name;
	struct dnsbl_subject subject = { .check = LISTING_CLIENT };
	struct dnsbl_list list;
	struct addr ip;
	struct err err;

	if (read_list(a, json_object_get(in, "list"), &list, &err) < 0 ||
	    (client != NULL && addr_parse_ip(span_z(client), 25, &ip, &err) <
	    0)) {
		judge_say(out, "bad", err.text);
		return;
	}
	if (client != NULL) {
		say_client(a, &ip, out);
		subject.ip = &ip;
		ask(a, &list, &subject, out);
	}
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		name = judge_text(in, listing_check_name(checks[i]));
		if (name == NULL)
			continue;
		subject.check = checks[i];
		subject.name = span_z(name);
		ask(a, &list, &subject, out);
	}
	if (judge_text(in, "probe") != NULL)
		probe(a, &list, judge_text(in, "probe"), out);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
