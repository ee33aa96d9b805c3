#include "policy/rule.h"
#include "tests/kit/named_things.h"

static size_t
count(const char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

static void
make_listeners(struct arena *a, struct settings *s, const char *const *names)
{
	s->nlisteners = count(names);
	s->listeners = arena_new_n(a, s->nlisteners + 1, struct listener_conf);
	for (size_t i = 0; i < s->nlisteners; i++)
		s->listeners[i].name = names[i];
}

static void
make_backends(struct arena *a, struct settings *s, const char *const *names)
{
	s->nbackends = count(names);
	s->backends = arena_new_n(a, s->nbackends + 1, struct backend_conf);
	for (size_t i = 0; i < s->nbackends; i++) {
		struct backend_conf *b = &s->backends[i];

		b->name = names[i];
		b->nurls = 2;
		b->urls = arena_new_n(a, b->nurls, struct backend_url);
		for (size_t j = 0; j < b->nurls; j++)
			b->urls[j].text = arena_printf(a, "%s/%zu", names[i],
			    j + 1);
	}
}

static void
make_rules(struct arena *a, struct rules *rules, const char *const *names)
{
	size_t n = count(names);
	struct rule *list = arena_new_n(a, n + 1, struct rule);

	for (size_t i = 0; i < n; i++) {
		list[i].name = names[i];
		list[i].number = (unsigned)i;
	}
	rules->nrules = n;
	if (n > 0) {		/* a group has a number too */
		struct rule *inner = arena_new(a, struct rule);

		*inner = list[n - 1];
		inner->number = (unsigned)n;
		list[n - 1].group = inner;
		list[n - 1].ngroup = 1;
		rules->nrules++;
	}
	rules->phases[PHASE_MAIL].rules = list;
	rules->phases[PHASE_MAIL].n = n;
}

struct named_things *
named_things(struct arena *a, const char *const *listeners,
    const char *const *rules, const char *const *backends)
{
	struct named_things *t = arena_new(a, struct named_things);

	t->settings.hostname = "mx.example";
	make_listeners(a, &t->settings, listeners);
	make_backends(a, &t->settings, backends);
	make_rules(a, &t->rules, rules);
	t->set.name = "in.rules";
	t->set.rules = &t->rules;
	return t;
}
