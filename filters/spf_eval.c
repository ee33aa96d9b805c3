#include <string.h>

#include "filters/spf_record.h"
#include "filters/spf_run.h"

/* The evaluation, straight down: a record, its terms, the next record. Records
 * nest no deeper than there may be terms, so the stack is bounded by them. */

MAY_YIELD static enum spf_step check_domain(struct spf_run *run,
    const char *domain, bool is_first, enum spf_result *result);

/* --- finding the record --- */

static enum spf_step
select_record(struct spf_run *run, const struct dns_answer *texts,
    struct spf_record *record)
{
	const struct dns_record *found = NULL;
	struct err why;

	for (size_t i = 0; i < texts->n; i++) {
		if (!spf_record_is(texts->records[i].data))
			continue;
		if (found != NULL) {
			spf_problem(run, "more than one SPF record");
			return SPF_STEP_PERM;
		}
		found = &texts->records[i];
	}
	if (found == NULL)
		return SPF_STEP_MISS;
	if (spf_record_parse(run->arena, found->data, record, &why) < 0) {
		spf_problem(run, "%s", why.text);
		return SPF_STEP_PERM;
	}
	return SPF_STEP_HIT;
}

/* MISS: the domain has no record. */
MAY_YIELD static enum spf_step
fetch_record(struct spf_run *run, const char *domain,
    struct spf_record *record)
{
	struct dns_answer texts;
	enum spf_step step = spf_ask(run, domain, DNS_TXT, &texts);

	if (step != SPF_STEP_HIT)
		return step;
	run->domain = run->values.domain = span_z(domain);
	run->term = (struct span){ 0 };
	return select_record(run, &texts, record);
}

/* --- mechanisms --- */

MAY_YIELD static enum spf_step
match_addresses(struct spf_run *run, const struct spf_term *t,
    const char *name)
{
	struct dns_answer found;
	enum spf_step step = spf_ask(run, name, run->ip_type, &found);

	if (step != SPF_STEP_HIT)
		return step;
	if (found.n == 0 && spf_count_void(run) != SPF_STEP_HIT)
		return SPF_STEP_PERM;
	return spf_has_client(run, &found, run->ip_type == DNS_A ? t->bits4 :
	    t->bits6) ? SPF_STEP_HIT : SPF_STEP_MISS;
}

/* In their order, until one matches; the others are asked for meanwhile. */
MAY_YIELD static enum spf_step
match_exchangers(struct spf_run *run, const struct spf_term *t,
    const char *name)
{
	struct dns_answer found;
	enum spf_step step = spf_ask(run, name, DNS_MX, &found);

	if (step != SPF_STEP_HIT)
		return step;
	if (found.n == 0 && spf_count_void(run) != SPF_STEP_HIT)
		return SPF_STEP_PERM;
	if (found.n > SPF_LIMIT_NAMES) {
		spf_problem(run, "more than %d MX records", SPF_LIMIT_NAMES);
		return SPF_STEP_PERM;
	}
	for (size_t i = 1; i < found.n; i++)
		if (found.records[i].name[0] != '\0')
			dns_prefetch(found.records[i].name, run->ip_type);
	for (size_t i = 0; i < found.n; i++) {
		if (found.records[i].name[0] == '\0')	/* null MX */
			continue;
		step = match_addresses(run, t, found.records[i].name);
		if (step != SPF_STEP_MISS)
			return step;
	}
	return SPF_STEP_MISS;
}

MAY_YIELD static enum spf_step
match_names(struct spf_run *run, const char *domain)
{
	enum spf_step step = spf_find_names(run);

	if (step != SPF_STEP_HIT)
		return step;
	if (run->is_nameless && spf_count_void(run) != SPF_STEP_HIT)
		return SPF_STEP_PERM;
	for (size_t i = 0; i < run->nnames; i++) {
		struct span name = span_z(run->names[i]);

		if (span_is_nocase(name, domain) ||
		    spf_is_below(name, span_z(domain)))
			return SPF_STEP_HIT;
	}
	return SPF_STEP_MISS;
}

MAY_YIELD static enum spf_step
match_exists(struct spf_run *run, const char *name)
{
	struct dns_answer found;
	enum spf_step step = spf_ask(run, name, DNS_A, &found);

	if (step != SPF_STEP_HIT)
		return step;
	if (found.n == 0 && spf_count_void(run) != SPF_STEP_HIT)
		return SPF_STEP_PERM;
	return found.n > 0 ? SPF_STEP_HIT : SPF_STEP_MISS;
}

/* RFC 7208 5.2: only a pass of the other record is a match. */
MAY_YIELD static enum spf_step
match_include(struct spf_run *run, const char *name)
{
	struct span domain = run->domain, term = run->term;
	struct span current = run->values.domain;
	enum spf_result result;
	enum spf_step step = check_domain(run, name, false, &result);

	if (step >= SPF_STEP_TEMP)
		return step;
	run->domain = domain;
	run->term = term;
	run->values.domain = current;
	if (step == SPF_STEP_MISS) {
		spf_problem(run, "that domain has no SPF record");
		return SPF_STEP_PERM;
	}
	return result == SPF_PASS ? SPF_STEP_HIT : SPF_STEP_MISS;
}

MAY_YIELD static enum spf_step
match_lookup(struct spf_run *run, const struct spf_term *t)
{
	char name[SPF_NAME_SIZE];
	enum spf_step step = spf_count_term(run);

	if (step != SPF_STEP_HIT)
		return step;
	step = spf_target_name(run, t, name);
	if (step == SPF_STEP_MISS && t->mechanism == SPF_MECH_INCLUDE &&
	    run->local_is_ascii) {
		spf_problem(run, "it is no domain name when expanded");
		return SPF_STEP_PERM;
	}
	if (step != SPF_STEP_HIT)
		return step;
	switch (t->mechanism) {
	case SPF_MECH_INCLUDE:
		return match_include(run, arena_strdup(run->arena, name));
	case SPF_MECH_A:
		return match_addresses(run, t, name);
	case SPF_MECH_MX:
		return match_exchangers(run, t, name);
	case SPF_MECH_PTR:
		return match_names(run, name);
	default:
		return match_exists(run, name);
	}
}

MAY_YIELD static enum spf_step
match_term(struct spf_run *run, const struct spf_term *t)
{
	if (spf_term_asks(t))
		return match_lookup(run, t);
	return spf_matches_at_once(run, t) ? SPF_STEP_HIT : SPF_STEP_MISS;
}

/* HIT: this one matched, or NULL: the end was reached and no redirect is
 * there. MISS: redirect. */
MAY_YIELD static enum spf_step
match_terms(struct spf_run *run, const struct spf_record *record,
    const struct spf_term **matched)
{
	for (size_t i = 0; i < record->n; i++) {
		enum spf_step step;

		run->term = record->terms[i].written;
		run->term_is_void = false;
		step = match_term(run, &record->terms[i]);
		*matched = &record->terms[i];
		if (step != SPF_STEP_MISS)
			return step;
	}
	*matched = NULL;
	return record->redirect.p == NULL ? SPF_STEP_HIT : SPF_STEP_MISS;
}

/* --- explanation --- */

/* RFC 7208 6.2: whatever is wrong with it, there just is none. */
MAY_YIELD static enum spf_step
fetch_explanation(struct spf_run *run, struct span spec)
{
	char *text, name[SPF_NAME_SIZE];
	struct dns_answer found;
	enum spf_step step;
	struct err why;
	struct span data;

	step = spf_expand_name(run, spec, name);
	if (step == SPF_STEP_HIT)
		step = spf_ask(run, name, DNS_TXT, &found);
	if (step != SPF_STEP_HIT)
		return step;
	if (found.n != 1)
		return SPF_STEP_MISS;
	data = found.records[0].data;
	if (data.len == 0 || data.len > SPF_LIMIT_RECORD ||
	    spf_macro_check(data, SPF_IN_EXPLANATION, &why) < 0)
		return SPF_STEP_MISS;
	if (spf_macro_uses(data, "p")) {
		step = spf_find_names(run);
		if (step == SPF_STEP_STOP)
			return step;
		run->values.client_name = spf_best_name(run,
		    run->values.domain);
	}
	text = arena_alloc(run->arena, SPF_LIMIT_EXPLANATION + 1);
	spf_macro_text(data, &run->values, text, SPF_LIMIT_EXPLANATION + 1);
	spf_explain(run, text);
	return SPF_STEP_HIT;
}

/* Of the record that decided; those of included ones are not asked for. */
MAY_YIELD static enum spf_step
conclude(struct spf_run *run, const struct spf_record *record,
    const struct spf_term *matched, enum spf_result *result)
{
	*result = matched == NULL ? SPF_NEUTRAL :
	    (enum spf_result)matched->result;
	if (matched != NULL)
		run->answer->mechanism = arena_copy(run->arena,
		    matched->written);
	if (*result != SPF_FAIL || record->explanation.p == NULL)
		return SPF_STEP_HIT;
	if (fetch_explanation(run, record->explanation) == SPF_STEP_STOP)
		return SPF_STEP_STOP;
	run->answer->problem = NULL;	/* of the explanation */
	return SPF_STEP_HIT;
}

/* --- check_host() --- */

/* Puts the record of another domain in the place of this one. RFC 7208 6.1:
 * when there is none that is permerror. */
MAY_YIELD static enum spf_step
follow_redirect(struct spf_run *run, struct spf_record *record)
{
	struct span domain = run->domain, term = record->redirect_written;
	char name[SPF_NAME_SIZE];
	enum spf_step step;

	run->term = term;
	step = spf_count_term(run);
	if (step == SPF_STEP_HIT)
		step = spf_expand_name(run, record->redirect, name);
	if (step == SPF_STEP_MISS) {
		spf_problem(run, "it is no domain name when expanded");
		return SPF_STEP_PERM;
	}
	if (step != SPF_STEP_HIT)
		return step;
	step = fetch_record(run, arena_strdup(run->arena, name), record);
	if (step == SPF_STEP_MISS) {
		run->domain = domain;
		run->term = term;
		spf_problem(run, "that domain has no SPF record");
		return SPF_STEP_PERM;
	}
	return step;
}

/* MISS: the domain has no record. HIT: *result. `domain` lives on. */
MAY_YIELD static enum spf_step
check_domain(struct spf_run *run, const char *domain, bool is_first,
    enum spf_result *result)
{
	const struct spf_term *matched;
	struct spf_record record;
	enum spf_step step = fetch_record(run, domain, &record);

	while (step == SPF_STEP_HIT) {
		spf_look_ahead(run, &record);
		step = match_terms(run, &record, &matched);
		if (step == SPF_STEP_HIT && is_first)
			return conclude(run, &record, matched, result);
		if (step == SPF_STEP_HIT) {
			*result = matched == NULL ? SPF_NEUTRAL :
			    (enum spf_result)matched->result;
			return step;
		}
		if (step == SPF_STEP_MISS)
			step = follow_redirect(run, &record);
	}
	return step;
}

MAY_YIELD int
spf_evaluate(struct spf_run *run, const char *domain)
{
	enum spf_result result = SPF_NONE;
	enum spf_step step;

	run->domain = span_z(domain);
	step = check_domain(run, domain, true, &result);
	if (step == SPF_STEP_STOP)
		return -1;
	if (step == SPF_STEP_MISS)
		spf_problem(run, "no SPF record");
	run->answer->result = step == SPF_STEP_TEMP ? SPF_TEMPERROR :
	    step == SPF_STEP_PERM ? SPF_PERMERROR : result;
	return 0;
}
