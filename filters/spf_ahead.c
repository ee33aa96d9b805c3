#include "filters/spf_run.h"

/* The names that terms stand for, and what is asked of them ahead of need. */

/* RFC 7208 4.8 leaves open what a name is that DNS cannot have; of a local part
 * that is not ASCII RFC 8616 4 says that nothing matches it. */
MAY_YIELD enum spf_step
spf_expand_name(struct spf_run *run, struct span spec, char out[SPF_NAME_SIZE])
{
	if (!run->local_is_ascii && spf_macro_uses(spec, "sl"))
		return SPF_STEP_MISS;
	if (spf_macro_uses(spec, "p")) {
		enum spf_step step = spf_find_names(run);

		if (step != SPF_STEP_HIT)
			return step;
		run->values.client_name = spf_best_name(run,
		    run->values.domain);
	}
	if (spf_macro_name(spec, &run->values, out) < 0)
		return SPF_STEP_MISS;
	return SPF_STEP_HIT;
}

MAY_YIELD enum spf_step
spf_target_name(struct spf_run *run, const struct spf_term *t,
    char out[SPF_NAME_SIZE])
{
	static const struct span current = SPAN_LIT("%{d}");

	return spf_expand_name(run, t->u.domain.len > 0 ? t->u.domain : current,
	    out);
}

bool
spf_matches_at_once(const struct spf_run *run, const struct spf_term *t)
{
	switch (t->mechanism) {
	case SPF_MECH_ALL:
		return true;
	case SPF_MECH_IP4:
		return run->ip_type == DNS_A &&
		    spf_same_network(run, t->u.ip, t->bits4);
	case SPF_MECH_IP6:
		return run->ip_type == DNS_AAAA &&
		    spf_same_network(run, t->u.ip, t->bits6);
	default:
		return false;
	}
}

static void
begin_lookup(struct spf_run *run, const struct spf_term *t)
{
	static const uint16_t types[] = {
		[SPF_MECH_INCLUDE] = DNS_TXT, [SPF_MECH_MX] = DNS_MX,
		[SPF_MECH_EXISTS] = DNS_A,
	};
	char name[SPF_NAME_SIZE];

	if (t->mechanism == SPF_MECH_PTR || spf_macro_uses(t->u.domain, "p") ||
	    spf_target_name(run, t, name) != SPF_STEP_HIT)
		return;
	run->ahead++;
	dns_prefetch(name, t->mechanism == SPF_MECH_A ? run->ip_type :
	    (enum dns_type)types[t->mechanism]);
}

/*
 * Begins the lookups of a record's terms before their turn, except that of
 * the first, which is made at once: so they take the time of one. Only for
 * terms that are reached unless one before them matches by what it finds, and
 * over all records no more than there may be terms.
 */
void
spf_look_ahead(struct spf_run *run, const struct spf_record *record)
{
	unsigned terms = run->answer->terms;
	bool is_first = true;

	for (size_t i = 0; i < record->n; i++) {
		if (spf_matches_at_once(run, &record->terms[i]))
			return;
		if (!spf_term_asks(&record->terms[i]))
			continue;
		if (++terms > SPF_LIMIT_TERMS ||
		    run->ahead == SPF_LIMIT_TERMS)
			return;
		if (!is_first)
			begin_lookup(run, &record->terms[i]);
		is_first = false;
	}
}
