#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/directive.h"
#include "conf/dump.h"

#define WIDTH 60		/* a longer value is not shown */

/* --- settings that there is one of --- */

/* What stands behind the name; none if it takes several lines. */
static struct span
value_in(struct span line, const struct directive *row)
{
	struct span none = SPAN_LIT(""), value;
	size_t name = strlen(row->name) + 1;

	if (line.len < name + 1)
		return none;
	value = span_n(line.p + name, line.len - name - 1);
	return value.len > WIDTH || memchr(value.p, '\n', value.len) != NULL ?
	    none : value;
}

static void
tell_setting(struct buf *out, const struct directive *row,
    const struct block *block, struct span is, struct span was)
{
	is = value_in(is, row);
	was = value_in(was, row);
	buf_printf(out, "  %s%s%s: ", block != NULL ? block->name : "",
	    block != NULL ? " " : "", row->name);
	if (is.len == 0 || was.len == 0)
		buf_puts(out, "changed\n");
	else
		buf_printf(out, "%.*s, before %.*s\n", SPAN_ARG(is),
		    SPAN_ARG(was));
}

/* Of these two the caller has more to say. */
static bool
is_of_caller(const struct directive *row, enum scope scope)
{
	return scope == SCOPE_TOP && (strcmp(row->name, "workers") == 0 ||
	    strcmp(row->name, "rules") == 0);
}

static void
tell_settings(struct buf *out, const struct block *block, enum scope scope,
    struct settings *old, struct settings *new)
{
	struct dump was = { .indent = "" }, is = { .indent = "" };

	for (size_t i = 0; i < directive_count(); i++) {
		const struct directive *row = directive_at(i);

		if (!(row->scopes & scope) || is_of_caller(row, scope))
			continue;
		dump_setting(&was, row, scope, old);
		dump_setting(&is, row, scope, new);
		if (!span_eq(buf_text(&was.out), buf_text(&is.out)))
			tell_setting(out, row, block, buf_text(&is.out),
			    buf_text(&was.out));
		buf_clear(&was.out);
		buf_clear(&is.out);
	}
	buf_free(&was.out);
	buf_free(&is.out);
}

/* --- blocks with a name --- */

#define NAMED(noun, scope, list, n, type, name) \
	{ noun, scope, offsetof(struct settings, list), \
	    offsetof(struct settings, n), sizeof(struct type), \
	    offsetof(struct type, name) }

static const struct named {
	const char	*noun;
	enum scope	 scope;
	size_t		 list, n;		/* in struct settings */
	size_t		 size, name;		/* of a block, within it */
} named[] = {
	NAMED("dnsbl", SCOPE_DNSBL, lists, nlists, dnsbl_conf, list.name),
	NAMED("listener", SCOPE_LISTENER, listeners, nlisteners,
	    listener_conf, name),
	NAMED("backend", SCOPE_BACKEND, backends, nbackends, backend_conf,
	    name),
	NAMED("milter", SCOPE_MILTER, milters, nmilters, milter_conf, name),
};

static size_t
blocks_of(const struct named *kind, const struct settings *s)
{
	return *(const size_t *)((const char *)s + kind->n);
}

static void *
block_in(const struct named *kind, const struct settings *s, size_t i)
{
	return *(char *const *)((const char *)s + kind->list) +
	    i * kind->size;
}

static const char *
name_of(const struct named *kind, const void *block)
{
	return *(const char *const *)((const char *)block + kind->name);
}

/* NULL: there is none. */
static void *
find(const struct named *kind, const struct settings *s, const char *name)
{
	for (size_t i = 0; i < blocks_of(kind, s); i++)
		if (strcmp(name_of(kind, block_in(kind, s, i)), name) == 0)
			return block_in(kind, s, i);
	return NULL;
}

static void
dump_block(struct dump *d, const struct named *kind, struct settings *s,
    void *block)
{
	if (kind->scope == SCOPE_LISTENER)
		dump_listener(d, s, block);
	else
		dump_settings(d, kind->scope, block);
}

static void
tell_named(struct buf *out, const struct named *kind, struct settings *old,
    struct settings *new)
{
	for (size_t i = 0; i < blocks_of(kind, new); i++) {
		void *block = block_in(kind, new, i);
		const char *name = name_of(kind, block);
		void *before = find(kind, old, name);
		struct dump was = { .indent = "" }, is = { .indent = "" };

		dump_block(&is, kind, new, block);
		if (before != NULL)
			dump_block(&was, kind, old, before);
		if (before == NULL || !span_eq(buf_text(&was.out),
		    buf_text(&is.out)))
			buf_printf(out, "  %s %s: %s\n", kind->noun, name,
			    before == NULL ? "new" : "changed");
		buf_free(&was.out);
		buf_free(&is.out);
	}
	for (size_t i = 0; i < blocks_of(kind, old); i++) {
		const char *name = name_of(kind, block_in(kind, old, i));

		if (find(kind, new, name) == NULL)
			buf_printf(out, "  %s %s: gone\n", kind->noun, name);
	}
}

/* From this one on, the next that is in `other` too; NULL: none. */
static const char *
next_common(const struct named *kind, const struct settings *s, size_t *i,
    const struct settings *other)
{
	while (*i < blocks_of(kind, s)) {
		const char *name = name_of(kind, block_in(kind, s, (*i)++));

		if (find(kind, other, name) != NULL)
			return name;
	}
	return NULL;
}

/* Of those that stayed; it is the one in which filters are asked. */
static void
tell_order(struct buf *out, const struct named *kind,
    const struct settings *old, const struct settings *new)
{
	const char *was, *is;
	size_t i = 0, k = 0;

	do {
		was = next_common(kind, old, &i, new);
		is = next_common(kind, new, &k, old);
	} while (was != NULL && strcmp(was, is) == 0);
	if (was != NULL)
		buf_printf(out, "  %ss: in another order\n", kind->noun);
}

static void
tell_routes(struct buf *out, struct settings *old, struct settings *new)
{
	struct dump was = { .indent = "" }, is = { .indent = "" };

	for (size_t i = 0; i < old->nroutes; i++)
		dump_settings(&was, SCOPE_ROUTE, &old->routes[i]);
	for (size_t i = 0; i < new->nroutes; i++)
		dump_settings(&is, SCOPE_ROUTE, &new->routes[i]);
	if (!span_eq(buf_text(&was.out), buf_text(&is.out)))
		buf_puts(out, "  routes: changed\n");
	buf_free(&was.out);
	buf_free(&is.out);
}

void
conf_changes(const struct settings *before, const struct settings *now,
    struct buf *out)
{
	/* As in conf_dump(): none is written here. */
	struct settings *old = (struct settings *)before;
	struct settings *new = (struct settings *)now;

	tell_settings(out, NULL, SCOPE_TOP, old, new);
	for (size_t i = 0; i < block_count(); i++) {
		const struct block *block = block_at(i);

		if (block->scope & SCOPE_SINGLE)
			tell_settings(out, block, block->scope, old, new);
	}
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		tell_named(out, &named[i], old, new);
		if (named[i].scope == SCOPE_MILTER)
			tell_order(out, &named[i], old, new);
	}
	tell_routes(out, old, new);
}
