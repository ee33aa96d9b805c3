#include "gateway/court.h"
#include "policy/action.h"

/* --- what rules can ask for --- */

static const struct {
	enum fact_id	 fact;
	unsigned	 wants;
} wants_of[] = {
	{ FACT_CLIENT_NAME, CHECK_NAME },
	{ FACT_CLIENT_REVERSE, CHECK_NAME },
	{ FACT_DNSBL_SCORE, CHECK_LISTS },
	{ FACT_DNSBL_NAMES, CHECK_LISTS },
	{ FACT_DNSBL_TAGS, CHECK_LISTS },
	{ FACT_DNSBL_FAILED, CHECK_LISTS },
	{ FACT_DNSBL_LIST, CHECK_LISTS },
	{ FACT_HELO_RESOLVES, CHECK_HELO },
	{ FACT_HELO_MATCHES, CHECK_HELO },
	{ FACT_SPF_HELO, CHECK_SPF_HELO },
	{ FACT_SPF, CHECK_SPF },
	{ FACT_SPF_EXPLANATION, CHECK_SPF },
	{ FACT_SENDER_ACCEPTS, CHECK_SENDER },
	{ FACT_GREYLIST, CHECK_NAME | CHECK_SPF },
	{ FACT_GREYLIST_LEFT, CHECK_NAME | CHECK_SPF },
	{ FACT_GREYLIST_IDENTITY, CHECK_NAME | CHECK_SPF },
	{ FACT_DKIM, CHECK_DKIM },
	{ FACT_DKIM_DOMAINS, CHECK_DKIM },
	{ FACT_DKIM_ALIGNED, CHECK_DMARC },
	{ FACT_DMARC, CHECK_DMARC },
	{ FACT_DMARC_POLICY, CHECK_DMARC },
	{ FACT_DMARC_DOMAIN, CHECK_DMARC },
	{ FACT_DMARC_TESTING, CHECK_DMARC },
	{ FACT_ARC, CHECK_ARC },
};

static const enum fact_id header_facts[] = { FACT_HEADER, FACT_HEADERS,
    FACT_HEADER_COUNT, FACT_FROM_DOMAIN, FACT_FROM_COUNT };

static const enum fact_id store_facts[] = { FACT_GREYLIST,
    FACT_GREYLIST_LEFT, FACT_GREYLIST_IDENTITY };

static unsigned
find_wants(const struct settings *s, const struct rule_plan *plan)
{
	unsigned wants = CHECK_NAME;	/* Received tells it */

	for (size_t i = 0; i < sizeof(wants_of) / sizeof(*wants_of); i++)
		if (plan->facts[wants_of[i].fact])
			wants |= wants_of[i].wants;
	if (s->authres)
		wants |= CHECK_SPF | CHECK_SPF_HELO | CHECK_DKIM | CHECK_DMARC;
	if (s->spf_received)
		wants |= CHECK_SPF;
	if (s->authres && s->arc)
		wants |= CHECK_ARC;
	if (wants & CHECK_DMARC)
		wants |= CHECK_SPF | CHECK_DKIM;
	return wants;
}

/* --- what they can do --- */

/* One that hears of each stage in its time must be known to by then. */
static void
look_at_milter(struct court *c, enum phase phase, size_t milter)
{
	const struct settings *s = c->settings;

	if (phase <= PHASE_MAIL && milter < s->nmilters &&
	    s->milters[milter].tell_at == MILTER_AT_CONNECT)
		c->is_prompt[phase] = true;
}

static void
look_at(struct court *c, enum phase phase, const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		look_at(c, phase, rules[i].group, rules[i].ngroup);
		if (rules[i].group != NULL || rules[i].observe)
			continue;
		switch (action_in_effect(&rules[i])->kind) {
		case ACTION_DELAY:
		case ACTION_DISCONNECT:
			c->is_prompt[phase] = true;
			break;
		case ACTION_REJECT:
		case ACTION_DEFER:
			c->refuses[phase] = true;
			break;
		case ACTION_MILTER:
			look_at_milter(c, phase,
			    action_in_effect(&rules[i])->milter);
			break;
		case ACTION_QUARANTINE:	/* a forged reason goes */
		case ACTION_ADD_HEADER:
		case ACTION_REMOVE_HEADER:
		case ACTION_REPLACE_HEADER:
		case ACTION_PREFIX_SUBJECT:
			c->reads_header = true;
			break;
		default:
			break;
		}
	}
}

static bool
may_trust_or_refuse(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum action_kind kind = action_in_effect(&rules[i])->kind;

		if (rules[i].group != NULL ?
		    may_trust_or_refuse(rules[i].group, rules[i].ngroup) :
		    !rules[i].observe && (kind == ACTION_TRUST ||
		    kind == ACTION_REJECT || kind == ACTION_DEFER ||
		    kind == ACTION_DISCONNECT))
			return true;
	}
	return false;
}

static void
look_at_rules(struct court *c)
{
	const struct rules *rules = c->rules->rules;
	const struct rule_plan *plan = c->rules->plan;

	for (size_t i = 0; i < PHASES; i++) {
		c->has_rules[i] = rules->phases[i].n > 0;
		look_at(c, (enum phase)i, rules->phases[i].rules,
		    rules->phases[i].n);
	}
	c->has_gate = may_trust_or_refuse(rules->phases[PHASE_CONNECT].rules,
	    plan->phases[PHASE_CONNECT].leading);
	c->reads_header |= c->settings->nmilters > 0;
	for (size_t i = 0; i < sizeof(header_facts) / sizeof(*header_facts);
	    i++)
		c->reads_header |= plan->facts[header_facts[i]];
	c->asks_store = rules->nlimits > 0 || rules->nquestions > 0;
	for (size_t i = 0; i < sizeof(store_facts) / sizeof(*store_facts); i++)
		c->asks_store |= plan->facts[store_facts[i]];
}

/* --- */

static struct authres_ids
make_ids(struct arena *a, const struct settings *s)
{
	size_t n = s->authserv_also.n;
	const char **names = arena_new_n(a, n + 1, const char *);

	names[0] = s->authserv_id;
	for (size_t i = 0; i < n; i++)
		names[i + 1] = s->authserv_also.list[i];
	return authres_ids_make(a, names, n + 1);
}

/* Those that a rule asks for. */
static size_t
choose_lists(const struct ruleset *r, struct dnsbl_list *out)
{
	const struct rule_plan *plan = r->plan;
	size_t n = 0;

	for (size_t i = 0; i < r->nlists; i++)
		for (size_t j = 0; j < plan->nlists; j++)
			if (span_is_nocase(plan->lists[j],
			    r->lists[i].name)) {
				out[n++] = r->lists[i];
				break;
			}
	return n;
}

struct court *
court_open(struct arena *a, const struct settings *s,
    const struct ruleset *rules, dnsbl_event_fn *report)
{
	struct court *c = arena_new(a, struct court);
	struct dnsbl_list *lists = arena_new_n(a, rules->nlists + 1,
	    struct dnsbl_list);
	struct checker_options options = { .settings = s, .lists = lists,
	    .report = report };

	c->settings = s;
	c->rules = rules;
	c->wants = find_wants(s, rules->plan);
	look_at_rules(c);
	for (size_t i = 0; i < s->nroutes; i++)
		c->asks_store |= s->routes[i].redis != NULL;
	c->ids = make_ids(a, s);
	options.wants = c->wants;
	options.nlists = choose_lists(rules, lists);
	c->checker = checker_create(a, &options);
	return c;
}

bool
court_is_prompt(const struct court *c, const struct smtp_conf *conf,
    enum phase phase)
{
	return c->is_prompt[phase] ||
	    (conf->reject_at_connect && c->refuses[phase]);
}

void
court_name(struct client *client)
{
	client->name = client->unconfirmed = NULL;
	client->reverse = DNS_REVERSE_TEMPERROR;
	if (!addr_is_loopback(&client->addr))
		return;
	client->name = "localhost";		/* RFC 6761 6.3 */
	client->reverse = DNS_REVERSE_OK;
}

static bool
is_this_machine(const struct addr *client)
{
	return addr_is_unix(client) || addr_is_loopback(client);
}

bool
court_is_unchecked(const struct smtp_conf *conf, const struct addr *client)
{
	return is_this_machine(client) || network_any_has(conf->unchecked.list,
	    conf->unchecked.n, client);
}

unsigned
court_wants(const struct court *c, const struct smtp_conf *conf,
    const struct addr *client)
{
	if (is_this_machine(client))
		return 0;
	return court_is_unchecked(conf, client) ? c->wants & CHECK_NAME :
	    c->wants;
}
