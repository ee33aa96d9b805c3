#include <string.h>

#include "base/clock.h"
#include "filters/dmarc.h"
#include "tests/vectors/judge.h"

/*
 * dmarc_judge -- a record, or the From of a message and what authenticated it
 *
 * in   record (octets)
 * out  dmarc, applies, p
 *
 * in   zone, header (octets), spf: {result, domain} or null, dkim: a list
 * out  author, fault, domains; result, policy, record_at, org_domain, aligned,
 *      queries, testing, reason, domain
 */
#define TIMEOUT		(200 * CLOCK_MS)
#define IDS		40

static void
judge_record(struct arena *a, json_t *in, json_t *out)
{
	struct dmarc_record r;
	bool is = dmarc_record_parse(judge_octets(a, in, "record"), &r);

	json_object_set_new(out, "dmarc", json_boolean(is));
	json_object_set_new(out, "applies", json_boolean(is && r.is_usable));
	if (is && r.testing && r.p != DMARC_POLICY_NONE)
		r.p--;
	judge_say(out, "p", is && r.is_usable ? dmarc_policy_name(r.p) :
	    NULL);
}

static void
read_id(struct arena *a, json_t *in, enum dmarc_method method,
    struct dmarc_identifier *id)
{
	const char *result = judge_text(in, "result");

	id->method = method;
	id->outcome = strcmp(result, "pass") == 0 ? DMARC_ID_PASS :
	    strcmp(result, "temperror") == 0 ? DMARC_ID_TEMPERROR :
	    DMARC_ID_FAIL;
	id->domain = arena_copy(a, judge_octets(a, in, "domain"));
}

static void
say_list(json_t *out, const char *key, const char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(list[i]));
	json_object_set_new(out, key, array);
}

static void
say_answer(json_t *out, const struct dmarc_answer *w)
{
	const char *aligned[2];
	size_t n = 0;

	if (w->aligned.by_dkim)
		aligned[n++] = "dkim";
	if (w->aligned.by_spf)
		aligned[n++] = "spf";
	judge_say(out, "result", dmarc_result_name(w->result));
	judge_say(out, "policy", w->policy_tag == NULL ? NULL :
	    dmarc_policy_name(w->policy));
	judge_say(out, "record_at", w->record_at);
	judge_say(out, "org_domain", w->org_domain);
	judge_say(out, "domain", w->domain);
	judge_say(out, "reason", w->reason);
	say_list(out, "aligned", aligned, n);
	say_list(out, "queries", w->considered, w->nconsidered);
	json_object_set_new(out, "testing", json_boolean(w->testing));
}

static MAY_YIELD void
judge_message(struct arena *a, json_t *in, json_t *out)
{
	json_t *spf = json_object_get(in, "spf");
	json_t *dkim = json_object_get(in, "dkim");
	struct dmarc_identifier ids[IDS];
	struct dmarc_answer answer;
	struct author author;
	struct fields fields;
	struct dmarc *d;
	struct err err;
	size_t n = 0, i;

	fields_parse(a, judge_octets(a, in, "header"), &fields);
	author_find(a, &fields, &author);
	judge_say(out, "author", author.domain);
	judge_say(out, "fault", author.fault);
	say_list(out, "domains", author.domains, author.ndomains);
	d = dmarc_begin(a, &author, clock_now() + TIMEOUT);
	if (json_is_object(spf))
		read_id(a, spf, DMARC_SPF, &ids[n++]);
	for (i = 0; i < json_array_size(dkim) && n < IDS; i++)
		read_id(a, json_array_get(dkim, i), DMARC_DKIM, &ids[n++]);
	if (dmarc_check(d, ids, n, clock_now() + 2 * TIMEOUT, &answer,
	    &err) < 0)
		judge_say(out, "result", err.text);
	else
		say_answer(out, &answer);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	if (json_object_get(in, "record") != NULL)
		judge_record(a, in, out);
	else
		judge_message(a, in, out);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
