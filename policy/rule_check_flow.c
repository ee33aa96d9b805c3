#include <string.h>

#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_check.h"

/*
 * Which rules can be reached, and which conditions say something.
 *
 * A condition is a cube where it is members joined by `and`, those of its
 * groups included. A rule whose action ends the phase leaves nothing for
 * later rules that ask for the same and more; one that observes leaves nothing
 * for others that observe.
 */

/* Each is compared with each rule behind it. */
#define ENDERS_MAX	10000

/* A cube that ends the phase when it holds. */
struct ender {
	struct cube		 cube;
	uint64_t		 bits;		/* of its members */
	const struct rule	*rule;
};

struct flow {
	struct rule_checker	*c;
	enum phase		 phase;
	struct ender		*enders;
	size_t			 nenders;
	/* Ends the phase for all; for those that observe. */
	const struct rule	*always, *would_always;
	bool			 is_told;	/* nothing is behind it */
};

/* --- cubes --- */

static void
add_member(struct flow *f, struct cube *cube, const struct cond *cond,
    bool is_not)
{
	struct cube_member *members = list_room(f->c->a,
	    (struct cube_member *)cube->members, cube->n, sizeof(*members));

	members[cube->n++] = (struct cube_member){ cond, is_not };
	cube->members = members;
}

static void
flatten(struct flow *f, struct cube *cube, const struct cond *cond,
    bool is_not)
{
	if (cond->op == COND_NOT)
		flatten(f, cube, cond->left, !is_not);
	else if (cond->op == (is_not ? COND_OR : COND_AND)) {
		flatten(f, cube, cond->left, is_not);
		flatten(f, cube, cond->right, is_not);
	} else
		add_member(f, cube, cond, is_not);
}

static struct cube
cube_of(struct flow *f, const struct cube *context, const struct cond *cond)
{
	struct cube cube = {0};

	for (size_t i = 0; i < context->n; i++)
		add_member(f, &cube, context->members[i].cond,
		    context->members[i].is_not);
	if (cond != NULL)
		flatten(f, &cube, cond, false);
	return cube;
}

/* Of what the value is, not of how it is written. */
static uint64_t
value_hash(const struct value *v)
{
	uint64_t h = 0;

	if (type_is_number(v->type))
		return (uint64_t)v->number;
	if (v->type == TYPE_WORD)
		return v->word;
	if (v->type != TYPE_TEXT && v->type != TYPE_NAME &&
	    v->type != TYPE_MAILBOX)
		return 0;
	for (size_t i = 0; i < v->text.len; i++)
		h = h * 31 + ((unsigned char)v->text.p[i] | 0x20);
	return h;
}

/* One of 64: cubes are compared only where none is missing. */
static uint64_t
bit_of(const struct cube_member *m)
{
	uint64_t h = (uint64_t)m->cond->op * 2 + m->is_not;

	if (m->cond->op > COND_NOT && m->cond->op != COND_TAGGED) {
		h = h * 97 + (uint64_t)m->cond->ref.fact->id;
		h = h * 97 + value_hash(&m->cond->value);
	}
	return UINT64_C(1) << (h * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static uint64_t
bits_of(const struct cube *cube)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < cube->n; i++)
		bits |= bit_of(&cube->members[i]);
	return bits;
}

static bool
has_member(const struct cube *cube, const struct cube_member *m)
{
	for (size_t i = 0; i < cube->n; i++)
		if (cube->members[i].is_not == m->is_not &&
		    cond_same(cube->members[i].cond, m->cond))
			return true;
	return false;
}

/* All that `small` asks for, `large` asks for too. */
static bool
is_within(const struct cube *small, const struct cube *large)
{
	for (size_t i = 0; i < small->n; i++)
		if (!has_member(large, &small->members[i]))
			return false;
	return true;
}

/* Whether a rule in between can change it. */
static bool
is_changing(const struct cond *cond)
{
	switch (cond->op) {
	case COND_AND:
	case COND_OR:
		return is_changing(cond->left) || is_changing(cond->right);
	case COND_NOT:
		return is_changing(cond->left);
	case COND_TAGGED:
		return true;
	default:
		return cond->ref.fact->scope == FACT_OF_RULES;
	}
}

/* --- conditions that say nothing --- */

/* Whether something was said. */
static bool
warn_constant(struct flow *f, const struct cond *cond)
{
	struct cube cube = {0}, opposite = {0};
	const char *fact;
	bool is_told = false;

	flatten(f, &cube, cond, false);
	flatten(f, &opposite, cond, true);
	fact = cube_contradiction(f->c, &cube);
	if (fact != NULL) {
		diagnostic_warn(f->c->d, cond->at, NULL, "this condition is "
		    "never true: no value of %s fits it", fact);
		return true;
	}
	fact = cube_contradiction(f->c, &opposite);
	if (fact != NULL) {
		diagnostic_warn(f->c->d, cond->at, NULL, "this condition is "
		    "always true: every value of %s fits it", fact);
		return true;
	}
	if (cond->op == COND_NOT)
		return warn_constant(f, cond->left);
	if (cond->op != COND_AND && cond->op != COND_OR)
		return false;
	is_told = warn_constant(f, cond->left);
	return warn_constant(f, cond->right) || is_told;
}

/* With what the group asks for already. */
static bool
warn_in_group(struct flow *f, const struct cube *context,
    const struct cond *cond, const struct cube *all)
{
	const char *fact = cube_contradiction(f->c, all);

	if (context->n == 0 || fact == NULL)
		return false;
	diagnostic_warn(f->c->d, cond->at, NULL, "this condition is never true "
	    "in this group: no value of %s fits both", fact);
	return true;
}

/* --- SPF --- */

/*
 * A forwarder breaks SPF and keeps DKIM: a refusal at MAIL or RCPT comes
 * before DMARC could look at the signature (RFC 7489 10.1, RFC 9989).
 */
static bool
is_spf_fail_alone(const struct cube *cube)
{
	const struct fact *spf = fact_at(FACT_SPF);
	unsigned words = ~0u;

	for (size_t i = 0; i < cube->n; i++) {
		const struct cube_member *m = &cube->members[i];

		if (m->cond->op <= COND_NOT || m->cond->op == COND_TAGGED ||
		    m->cond->ref.fact != spf)
			return false;
		words &= cond_words(m->cond, m->is_not);
	}
	return cube->n > 0 &&
	    (words & 1u << fact_word(spf, span_z("fail"))) != 0;
}

static void
warn_spf(struct flow *f, const struct rule *rule, const struct cube *cube)
{
	if (rule->action.kind != ACTION_REJECT &&
	    rule->action.kind != ACTION_DISCONNECT)
		return;
	if (f->phase != PHASE_MAIL && f->phase != PHASE_RCPT)
		return;
	if (is_spf_fail_alone(cube))
		diagnostic_warn(f->c->d, rule->at, "score it here, and decide "
		    "at message, where dmarc is known", "SPF alone refuses "
		    "forwarded mail that its DKIM signature would let pass: "
		    "this comes before DMARC");
}

/* --- reach --- */

static bool
is_final(const struct rule *rule)
{
	return action_is_final(rule->action.kind);
}

/* The rule that leaves nothing for this cube, or NULL. */
static const struct rule *
ender_before(const struct flow *f, const struct rule *rule,
    const struct cube *cube)
{
	uint64_t bits = bits_of(cube);

	for (size_t i = 0; i < f->nenders; i++)
		if ((rule->observe || !f->enders[i].rule->observe) &&
		    (f->enders[i].bits & ~bits) == 0 &&
		    is_within(&f->enders[i].cube, cube))
			return f->enders[i].rule;
	return NULL;
}

static void
add_ender(struct flow *f, const struct rule *rule, struct cube cube)
{
	for (size_t i = 0; i < cube.n; i++)
		if (is_changing(cube.members[i].cond))
			return;
	if (f->nenders == ENDERS_MAX)
		return;
	f->enders = list_room(f->c->a, f->enders, f->nenders,
	    sizeof(*f->enders));
	f->enders[f->nenders++] = (struct ender){ cube, bits_of(&cube), rule };
}

/* "a or b": either of them ends the phase. */
static void
add_enders(struct flow *f, const struct rule *rule,
    const struct cube *context, const struct cond *cond)
{
	struct cube cube;

	if (cond != NULL && cond->op == COND_OR) {
		add_enders(f, rule, context, cond->left);
		add_enders(f, rule, context, cond->right);
		return;
	}
	cube = cube_of(f, context, cond);
	if (!rule->observe)
		warn_spf(f, rule, &cube);
	add_ender(f, rule, cube);
	if (cube.n == 0 && rule->observe)
		f->would_always = rule;
	else if (cube.n == 0)
		f->always = rule;
}

static bool
warn_unreached(struct flow *f, const struct rule *rule,
    const struct cube *cube)
{
	const struct rule *ender = ender_before(f, rule, cube);
	bool is_all;

	if (ender == NULL)
		return false;
	is_all = (ender->observe ? f->would_always : f->always) != NULL;
	/* Behind an end of all, one warning is enough. */
	if (!is_all || !f->is_told)
		diagnostic_warn(f->c->d, rule->at, NULL, "this %s is never "
		    "reached: where it would be asked, the rule at %s:%u has "
		    "ended the phase%s", rule->group != NULL ? "group" :
		    "rule", ender->at.source->name, ender->at.line,
		    ender->observe ? " for those that observe" : "");
	f->is_told = is_all;
	return true;
}

static void
walk(struct flow *f, const struct rule *rules, size_t n,
    const struct cube *context)
{
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = &rules[i];
		struct cube cube = cube_of(f, context, rule->when);
		bool is_told = false;

		if (rule->when != NULL)
			is_told = warn_constant(f, rule->when) ||
			    warn_in_group(f, context, rule->when, &cube);
		if (!is_told && warn_unreached(f, rule, &cube))
			continue;
		if (rule->group != NULL)
			walk(f, rule->group, rule->ngroup, &cube);
		else if (is_final(rule))
			add_enders(f, rule, context, rule->when);
	}
}

/* What ends more than its phase. */
static bool
ends_all(const struct rule *rule)
{
	return rule->action.kind != ACTION_ACCEPT &&
	    rule->action.kind != ACTION_QUARANTINE;
}

void
check_flow(struct rule_checker *c)
{
	const struct cube empty = {0};
	const struct rule *end = NULL;

	for (unsigned i = 0; i < PHASES; i++) {
		const struct phase_rules *p = &c->rules->phases[i];
		struct flow f = { .c = c, .phase = (enum phase)i };

		if (end != NULL && p->n > 0) {
			diagnostic_warn(c->d, p->rules[0].at, NULL, "no rule "
			    "of this phase is ever reached: the rule at %s:%u "
			    "ends every session or mail before it",
			    end->at.source->name, end->at.line);
			continue;
		}
		walk(&f, p->rules, p->n, &empty);
		if (f.always != NULL && ends_all(f.always))
			end = f.always;
	}
}
