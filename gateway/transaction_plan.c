#include <unistd.h>

#include "gateway/recorded.h"
#include "gateway/transaction_internal.h"
#include "policy/action.h"

/* Fields that are told whether a rule names them or not. */
static const char *const fields[] = { "From", "Subject", "Message-ID", "Date",
    "To" };
#define FIELDS	(sizeof(fields) / sizeof(*fields))

/* Keys are put always, members of a value seldom: each kind by itself. */
struct making {
	struct arena		*arena;
	struct json_stock	 keys, members;
};

/* --- facts --- */

static const struct span *
make_words(struct making *m, const struct fact *fact, struct span key)
{
	struct buf value = {0};
	struct json_out o = { .to = &value };
	struct span *list;
	size_t n = 0;

	while (fact->words[n] != NULL)
		n++;
	list = arena_new_n(m->arena, n, struct span);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&value);
		o.more = false;
		json_z(&o, NULL, fact->words[i]);
		list[i] = json_ready_member(&m->members, key, buf_text(&value));
	}
	buf_free(&value);
	return list;
}

static const struct span *
make_values(struct making *m, const struct fact *fact, struct span key)
{
	struct span *list;

	switch (fact->type) {
	case TYPE_WORD:
		return make_words(m, fact, key);
	case TYPE_YESNO:
		list = arena_new_n(m->arena, 2, struct span);
		list[false] = json_ready_member(&m->members, key, SPAN_LIT("false"));
		list[true] = json_ready_member(&m->members, key, SPAN_LIT("true"));
		return list;
	case TYPE_TEXTS:
	case TYPE_NAMES:
	case TYPE_ADDRESSES:
		list = arena_new(m->arena, struct span);
		*list = json_ready_member(&m->members, key, SPAN_LIT("[]"));
		return list;
	default:
		return NULL;
	}
}

/* Who reads the record finds it in others (recorded_follows.c). Where something
 * is hidden all is told, since it is hidden in pieces; so is what a rule names,
 * for those who look why it did what it did. */
static bool
follows(const struct veil *veil, const struct fact_ref *ref)
{
	static const enum fact_id list[] = { FACT_CLIENT_NETWORK,
	    FACT_LISTENER, FACT_SENDER_LOCAL, FACT_SENDER_IS_NULL, FACT_RCPT,
	    FACT_RCPT_LOCAL };
	bool found = false;

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		found |= ref->fact->id == list[i];
	return found && veil == NULL && ref->slot == FACT_NO_SLOT;
}

static void
add(struct making *m, const struct veil *veil, const struct fact_ref *ref,
    struct told_fact *list, size_t *n)
{
	struct buf name = {0};
	enum fact_id beside;
	struct span key;

	tell_put_name(&name, ref);
	key = buf_text(&name);
	list[(*n)++] = (struct told_fact){
		.ref = *ref,
		.key = json_ready_key(&m->keys, key),
		.none = json_ready_member(&m->members, key, SPAN_LIT("null")),
		.values = make_values(m, ref->fact, key),
		.what = tell_what(veil, ref),
		.is_header = ref->fact->argument == FACT_TAKES_HEADER,
		.needs_no_nothing = veil == NULL &&
		    recorded_leaves_out(ref->fact->id, &beside),
	};
	buf_free(&name);
}

/* As rules name it, or else so that it has no place with them. */
static struct fact_ref
find_ref(const struct ruleset *rules, const struct fact *fact,
    struct span argument)
{
	for (size_t i = 0; i < PHASES; i++) {
		const struct phase_plan *p = &rules->plan->phases[i];

		for (size_t k = 0; k < p->nneeds; k++)
			if (p->needs[k]->fact == fact &&
			    span_eq_nocase(p->needs[k]->argument, argument))
				return *p->needs[k];
	}
	return (struct fact_ref){ .fact = fact, .argument = argument,
	    .slot = FACT_NO_SLOT };
}

static bool
is_there(const struct transaction_plan *p, const struct fact_ref *ref)
{
	for (size_t i = 0; i < p->nfacts; i++)
		if (p->facts[i].ref.fact == ref->fact &&
		    span_eq_nocase(p->facts[i].ref.argument, ref->argument))
			return true;
	return false;
}

/* Those with an argument that a rule names. */
static void
add_named(struct making *m, struct transaction_plan *p,
    const struct ruleset *rules)
{
	for (size_t i = 0; i < PHASES; i++) {
		const struct phase_plan *plan = &rules->plan->phases[i];

		for (size_t k = 0; k < plan->nneeds; k++)
			if (plan->needs[k]->fact->argument !=
			    FACT_TAKES_NOTHING && !is_there(p, plan->needs[k]))
				add(m, p->veil, plan->needs[k], p->facts,
				    &p->nfacts);
	}
}

/* --- what else is made ready --- */

static void
make_places(struct making *m, struct transaction_plan *p,
    const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->places[rules[i].number] = tell_ready_place(&m->members,
		    &rules[i]);
		make_places(m, p, rules[i].group, rules[i].ngroup);
	}
}

static struct span
make_bare(struct making *m, enum phase phase)
{
	struct buf text = {0};
	struct json_out o = { .to = &text };
	struct span ready;

	json_open(&o, NULL, '{');
	json_z(&o, "phase", phase_name(phase));
	json_z(&o, "action", action_name(ACTION_ACCEPT));
	json_close(&o, '}');
	ready = json_ready(&m->keys, buf_text(&text));
	buf_free(&text);
	return ready;
}

static void
note_slots(struct transaction_plan *p, const struct told_fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (facts[i].ref.slot != FACT_NO_SLOT)
			p->by_slot[facts[i].ref.slot] = &facts[i];
}

static void
make_ready(struct making *m, struct transaction_plan *p,
    const struct ruleset *set)
{
	static const char *const stages[] = {
#define X(list, id, name) [STAGE_##id] = name,
		WORDS_STAGE(X)
#undef X
	};

	p->worker = json_ready_member(&m->keys, SPAN_LIT("worker"),
	    span_z(arena_printf(m->arena, "%ld", (long)getpid())));
	p->rules = json_ready_member(&m->keys, SPAN_LIT("rules"),
	    span_z(arena_printf(m->arena, "\"%s\"", set->hash)));
	for (size_t i = 0; i < STAGES; i++)
		p->stages[i] = json_ready_key(&m->keys, span_z(stages[i]));
	p->places = arena_new_n(m->arena, set->rules->nrules, struct span);
	for (enum phase i = PHASE_CONNECT; i < PHASES; i++) {
		if (i != PHASE_RCPT)
			p->bare[i] = make_bare(m, i);
		make_places(m, p, set->rules->phases[i].rules,
		    set->rules->phases[i].n);
	}
}

struct transaction_plan *
transaction_plan(struct arena *a, const struct ruleset *rules,
    const struct veil *veil)
{
	struct making m = { .arena = a, .keys.arena = a, .members.arena = a };
	struct transaction_plan *p = arena_new(a, struct transaction_plan);
	struct fact_ref ref;

	p->veil = veil;
	make_ready(&m, p, rules);
	p->facts = arena_new_n(a, FACTS + FIELDS + rules->rules->nslots,
	    struct told_fact);
	p->rcpt_facts = arena_new_n(a, FACTS, struct told_fact);
	for (size_t i = 0; i < FACTS; i++) {
		const struct fact *fact = fact_at((enum fact_id)i);

		if (fact->argument != FACT_TAKES_NOTHING ||
		    fact->scope == FACT_OF_RULES)
			continue;
		ref = find_ref(rules, fact, SPAN_LIT(""));
		if (follows(veil, &ref))
			continue;
		if (fact->scope == FACT_OF_RCPT)
			add(&m, veil, &ref, p->rcpt_facts, &p->nrcpt_facts);
		else
			add(&m, veil, &ref, p->facts, &p->nfacts);
	}
	for (size_t i = 0; i < FIELDS; i++) {
		ref = find_ref(rules, fact_at(FACT_HEADER),
		    span_z(fields[i]));
		ref.argument = span_z(fields[i]);
		add(&m, veil, &ref, p->facts, &p->nfacts);
		if (p->facts[p->nfacts - 1].what == VEIL_SUBJECT)
			p->subject = &p->facts[p->nfacts - 1];
	}
	add_named(&m, p, rules);
	p->by_slot = arena_new_n(a, rules->rules->nslots,
	    const struct told_fact *);
	note_slots(p, p->facts, p->nfacts);
	note_slots(p, p->rcpt_facts, p->nrcpt_facts);
	return p;
}
