#include <string.h>
#include <unistd.h>

#include "gateway/transaction_internal.h"

/* Fields that are told whether a rule names them or not. */
static const char *const fields[] = { "From", "Subject", "Message-ID", "Date",
    "To" };
#define FIELDS	(sizeof(fields) / sizeof(*fields))

/* --- who tells --- */

#define SCRATCH	(64 * 1024)	/* so much may stay */

struct teller
tell_begin(struct buf *to, const struct veil *veil)
{
	static struct buf scratch;

	veil_begin(veil);
	return (struct teller){ .o = { .to = to, .keeps_octets = true },
	    .veil = veil, .scratch = &scratch };
}

void
tell_end(struct teller *t)
{
	if (t->scratch->cap > SCRATCH)
		buf_free(t->scratch);
}

/* --- values --- */

/* A text of ours may repeat the subject, as those of rules do. */
static void
tell_without_subject(struct teller *t, struct span key, struct span text)
{
	struct buf out = {0};
	const char *at;

	while ((at = memmem(text.p, text.len, t->subject.p,
	    t->subject.len)) != NULL) {
		buf_put(&out, text.p, (size_t)(at - text.p));
		veil_hash(t->veil, t->subject, &out);
		text.len -= (size_t)(at - text.p) + t->subject.len;
		text.p = at + t->subject.len;
	}
	buf_span(&out, text);
	veil_put(t->veil, &t->o, key, VEIL_FOREIGN, buf_text(&out));
	buf_free(&out);
}

void
tell_text(struct teller *t, struct span key, struct span text)
{
	if (t->subject.len > 0 && text.len >= t->subject.len)
		tell_without_subject(t, key, text);
	else
		veil_put(t->veil, &t->o, key, VEIL_FOREIGN, text);
}

void
tell_know(struct teller *t, const struct mail *m)
{
	const struct envelope *e = &m->envelope;

	if (t->veil == NULL)
		return;
	veil_know(t->veil, VEIL_SENDER, e->sender.text);
	for (size_t i = 0; i < e->nrcpts; i++)
		veil_know(t->veil, VEIL_RCPT, e->rcpts[i].addr.text);
	tell_know_refused(t, m);
}

void
tell_find_subject(struct teller *t, struct judge *j,
    const struct findings *found, const struct told_fact *fact)
{
	struct value v;

	if (fact != NULL && judge_known(j, found, &fact->ref, &v) &&
	    !v.is_none)
		t->subject = v.text;
}

static void
tell_list(struct teller *t, const struct fact *fact, enum veil_what what,
    const struct value *v)
{
	json_open_n(&t->o, JSON_NO_KEY, '[');
	for (size_t i = 0; i < v->list.n; i++)
		tell_value(t, fact, what, &v->list.items[i]);
	json_close(&t->o, ']');
}

void
tell_value(struct teller *t, const struct fact *fact, enum veil_what what,
    const struct value *v)
{
	const struct span key = JSON_NO_KEY;
	char text[ADDR_TEXT];

	if (v->is_none) {
		json_none_n(&t->o, key);
		return;
	}
	switch (v->type) {
	case TYPE_YESNO:
		json_bool_n(&t->o, key, v->yes);
		break;
	case TYPE_INT:
	case TYPE_SIZE:
		json_int_n(&t->o, key, v->number);
		break;
	case TYPE_NUMBER:
		json_decimal_n(&t->o, key, v->number, 2);
		break;
	case TYPE_DURATION:
		json_decimal_n(&t->o, key, v->number, 6);
		break;
	case TYPE_TEXT:
	case TYPE_NAME:
	case TYPE_MAILBOX:
		veil_put(t->veil, &t->o, key, what, v->text);
		break;
	case TYPE_WORD:
		json_span_n(&t->o, key, span_z(fact->words[v->word]));
		break;
	case TYPE_ADDRESS:
		json_span_n(&t->o, key, span_z(addr_ip(v->address, text)));
		break;
	case TYPE_NETWORK:
		json_span_n(&t->o, key,
		    span_z(network_text(&v->network, text)));
		break;
	case TYPE_TEXTS:
	case TYPE_NAMES:
	case TYPE_ADDRESSES:
		tell_list(t, fact, what, v);
		break;
	}
}

/* --- which facts --- */

void
tell_put_name(struct buf *out, const struct fact_ref *ref)
{
	buf_puts(out, ref->fact->name);
	if (ref->fact->argument == FACT_TAKES_HEADER)
		buf_puts(out, " ");
	buf_span(out, ref->argument);
}

void
tell_key(struct teller *t, const struct fact_ref *ref)
{
	buf_clear(t->scratch);
	tell_put_name(t->scratch, ref);
	json_key_n(&t->o, buf_text(t->scratch));
}

enum veil_what
tell_what(const struct veil *veil, const struct fact_ref *ref)
{
	switch (ref->fact->id) {
	case FACT_SENDER:
	case FACT_SENDER_LOCAL:
		return VEIL_SENDER;
	case FACT_RCPT:
	case FACT_RCPT_LOCAL:
		return VEIL_RCPT;
	case FACT_SPF_EXPLANATION:
		return VEIL_FOREIGN;
	default:
		return ref->fact->argument == FACT_TAKES_HEADER ?
		    veil_of_header(veil, ref->argument) : VEIL_TEXT;
	}
}

static const struct span *
make_words(struct arena *a, const struct fact *fact, struct span key)
{
	struct buf value = {0};
	struct json_out o = { .to = &value };
	struct span *list;
	size_t n = 0;

	while (fact->words[n] != NULL)
		n++;
	list = arena_new_n(a, n, struct span);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&value);
		o.more = false;
		json_z(&o, NULL, fact->words[i]);
		list[i] = json_ready_member(a, key, buf_text(&value));
	}
	buf_free(&value);
	return list;
}

static const struct span *
make_values(struct arena *a, const struct fact *fact, struct span key)
{
	struct span *list;

	if (fact->type == TYPE_WORD)
		return make_words(a, fact, key);
	if (fact->type != TYPE_YESNO)
		return NULL;
	list = arena_new_n(a, 2, struct span);
	list[false] = json_ready_member(a, key, SPAN_LIT("false"));
	list[true] = json_ready_member(a, key, SPAN_LIT("true"));
	return list;
}

/* Who reads the record finds it in others (recorded_follows.c). Where something
 * is hidden all is told, since it is hidden in pieces; so is what a rule names,
 * for those who look why it did what it did. */
static bool
is_one_of(const enum fact_id *list, size_t n, const struct veil *veil,
    const struct fact_ref *ref)
{
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found |= ref->fact->id == list[i];
	return found && veil == NULL && ref->slot == FACT_NO_SLOT;
}

static bool
follows(const struct veil *veil, const struct fact_ref *ref)
{
	static const enum fact_id list[] = { FACT_CLIENT_NETWORK,
	    FACT_LISTENER, FACT_SENDER_LOCAL, FACT_SENDER_IS_NULL, FACT_RCPT,
	    FACT_RCPT_LOCAL };

	return is_one_of(list, sizeof(list) / sizeof(*list), veil, ref);
}

/* That it is none does, from client.tls and sender, which are known with it. */
static bool
none_follows(const struct veil *veil, const struct fact_ref *ref)
{
	static const enum fact_id list[] = { FACT_TLS_VERSION,
	    FACT_TLS_CIPHER, FACT_TLS_CLIENT_NAME, FACT_DECLARED_SIZE };

	return is_one_of(list, sizeof(list) / sizeof(*list), veil, ref);
}

static void
add(struct arena *a, const struct veil *veil, const struct fact_ref *ref,
    struct told_fact *list, size_t *n)
{
	struct buf name = {0};
	struct span key;

	tell_put_name(&name, ref);
	key = buf_text(&name);
	list[(*n)++] = (struct told_fact){
		.ref = *ref,
		.key = json_ready_key(a, key),
		.none = none_follows(veil, ref) ? SPAN_LIT("") :
		    json_ready_member(a, key, SPAN_LIT("null")),
		.values = make_values(a, ref->fact, key),
		.what = tell_what(veil, ref),
		.is_header = ref->fact->argument == FACT_TAKES_HEADER,
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
add_named(struct arena *a, struct transaction_plan *p,
    const struct ruleset *rules)
{
	for (size_t i = 0; i < PHASES; i++) {
		const struct phase_plan *plan = &rules->plan->phases[i];

		for (size_t k = 0; k < plan->nneeds; k++)
			if (plan->needs[k]->fact->argument !=
			    FACT_TAKES_NOTHING && !is_there(p, plan->needs[k]))
				add(a, p->veil, plan->needs[k], p->facts,
				    &p->nfacts);
	}
}

struct transaction_plan *
transaction_plan(struct arena *a, const struct ruleset *rules,
    const struct veil *veil)
{
	struct transaction_plan *p = arena_new(a, struct transaction_plan);
	struct fact_ref ref;

	p->veil = veil;
	p->pid = getpid();
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
			add(a, veil, &ref, p->rcpt_facts, &p->nrcpt_facts);
		else
			add(a, veil, &ref, p->facts, &p->nfacts);
	}
	for (size_t i = 0; i < FIELDS; i++) {
		ref = find_ref(rules, fact_at(FACT_HEADER),
		    span_z(fields[i]));
		ref.argument = span_z(fields[i]);
		add(a, veil, &ref, p->facts, &p->nfacts);
		if (p->facts[p->nfacts - 1].what == VEIL_SUBJECT)
			p->subject = &p->facts[p->nfacts - 1];
	}
	add_named(a, p, rules);
	return p;
}

/* --- telling them --- */

static void
tell_fact(struct teller *t, const struct told_fact *f, const struct value *v)
{
	if (v->is_none) {
		if (f->none.len > 0)
			json_put_member(&t->o, f->none);
	} else if (f->values != NULL)
		json_put_member(&t->o, f->values[v->type == TYPE_WORD ?
		    v->word : v->yes]);
	else {
		json_put_key(&t->o, f->key);
		tell_value(t, f->ref.fact, f->what, v);
	}
}

void
tell_facts(struct teller *t, struct judge *j, const struct findings *found,
    const struct told_fact *facts, size_t n, bool with_headers)
{
	struct value v;

	json_open(&t->o, "facts", '{');
	for (size_t i = 0; i < n; i++) {
		const struct told_fact *f = &facts[i];

		if ((f->is_header && !with_headers) ||
		    !judge_known(j, found, &f->ref, &v))
			continue;
		tell_fact(t, f, &v);
	}
	json_close(&t->o, '}');
}
