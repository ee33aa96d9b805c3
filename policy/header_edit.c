#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/encoded_word.h"
#include "policy/header_edit_internal.h"

/* The fields of a name that an edit speaks of, as they stand now. */
struct group {
	struct span		 name;
	struct header_item	*first;
	struct header_item	**below_ours;	/* there the next is added */
};

struct editor {
	struct arena			*a;
	const struct header_change	*c;
	struct group			*groups;	/* sorted by name */
	size_t				 ngroups;
	struct header_item		*came;	/* c->fields->n */
	struct header_item		*ours;	/* above those */
	size_t				 nours;
};

/* --- groups --- */

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static int
compare_groups(const void *one, const void *two)
{
	struct span a = ((const struct group *)one)->name;
	struct span b = ((const struct group *)two)->name;

	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return lower(a.p[i]) < lower(b.p[i]) ? -1 : 1;
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static struct group *
find_group(const struct editor *e, struct span name)
{
	struct group key = { .name = name };

	if (name.len == 0 || e->ngroups == 0)
		return NULL;
	return bsearch(&key, e->groups, e->ngroups, sizeof(key),
	    compare_groups);
}

static struct span
edit_name(const struct header_edit *edit)
{
	return edit->kind == ACTION_PREFIX_SUBJECT ? SPAN_LIT("Subject") :
	    edit->name;
}

/* One for each name, so that no edit looks through all fields. */
static void
make_groups(struct editor *e)
{
	const struct header_change *c = e->c;
	struct group *g;
	size_t n = 0;

	if (c->nedits == 0)
		return;
	g = e->groups = arena_new_n(e->a, c->nedits, struct group);
	for (size_t i = 0; i < c->nedits; i++) {
		g[i].name = edit_name(&c->edits[i]);
		/* The checker of the rules lets no other pass. */
		assert(field_name_is_valid(g[i].name));
	}
	qsort(g, c->nedits, sizeof(*g), compare_groups);
	for (size_t i = 0; i < c->nedits; i++)
		if (n == 0 || compare_groups(&g[n - 1], &g[i]) != 0)
			g[n++] = g[i];
	e->ngroups = n;
	for (size_t i = 0; i < n; i++)
		g[i].below_ours = &g[i].first;
}

/* What came, without what is cut. From the end, so that each goes in front of
 * its group. */
static void
take_fields(struct editor *e)
{
	const struct header_change *c = e->c;
	size_t cut = c->ncuts;

	e->came = arena_new_n(e->a, c->fields->n, struct header_item);
	for (size_t i = c->fields->n; i-- > 0; ) {
		const struct field *f = &c->fields->list[i];
		struct header_item *item = &e->came[i];
		struct group *g = find_group(e, f->name);

		item->field = f;
		while (cut > 0 && c->cuts[cut - 1].offset > f->offset)
			cut--;
		if (cut > 0 && f->offset - c->cuts[cut - 1].offset <
		    c->cuts[cut - 1].len) {
			item->is_gone = true;
		} else if (g != NULL) {
			item->next = g->first;
			g->first = item;
		}
	}
}

/* --- edits --- */

static struct span
clean(struct arena *a, struct span text)
{
	struct buf line = {0};

	utf8_put_printable(&line, text, VERDICT_VALUE_MAX, true);
	text = arena_span(a, span_trim(buf_text(&line)));
	buf_free(&line);
	return text;
}

static void
add(struct editor *e, struct group *g, struct span name, struct span value)
{
	struct header_item *item = &e->ours[e->nours++];

	*item = (struct header_item){ .name = name, .value = value,
	    .next = *g->below_ours };
	*g->below_ours = item;
	g->below_ours = &item->next;
}

static void
drop_all(struct header_item *item)
{
	for (; item != NULL; item = item->next)
		item->is_gone = true;
}

static void
remove_group(struct group *g)
{
	drop_all(g->first);
	g->first = NULL;
	g->below_ours = &g->first;
}

static void
replace(struct editor *e, struct group *g, struct span name, struct span value)
{
	struct header_item *kept = g->first;

	if (kept == NULL) {
		add(e, g, name, value);
		return;
	}
	drop_all(kept->next);
	*kept = (struct header_item){ .name = name, .value = value };
	if (g->below_ours != &g->first)
		g->below_ours = &kept->next;
}

/* The subject behind the prefixes, as it is shown. */
static struct span
subject_behind(struct arena *a, struct header_item *item)
{
	if (item->field == NULL)
		return item->value;
	if (!item->is_decoded) {
		item->came = encoded_word_text(a,
		    field_unfold(a, item->field));
		item->is_decoded = true;
	}
	return item->came;
}

/* Octet i of a subject with its prefixes, a tab as a space; -1: its end. */
static int
octet_at(struct span front, struct span behind, size_t i)
{
	char c;

	if (i < front.len) {
		c = front.p[i];
	} else {
		if (front.len > 0 && behind.len > 0 && i == front.len)
			return ' ';
		i -= front.len + (front.len > 0);
		if (i >= behind.len)
			return -1;
		c = behind.p[i];
	}
	return c == '\t' ? ' ' : (unsigned char)c;
}

static bool
is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

static bool
begins_with(struct arena *a, struct header_item *item, struct span text)
{
	struct span behind = subject_behind(a, item);
	size_t i;

	for (i = 0; i < text.len; i++)
		if (octet_at(item->front, behind, i) !=
		    (unsigned char)text.p[i])
			return false;
	return !is_alnum((unsigned char)text.p[i - 1]) ||
	    !is_alnum(octet_at(item->front, behind, i));
}

static void
prefix(struct editor *e, struct group *g, struct span text)
{
	struct header_item *item;

	if (text.len == 0)
		return;
	if (g->first == NULL) {
		add(e, g, SPAN_LIT("Subject"), text);
		return;
	}
	for (item = g->first; item != NULL; item = item->next) {
		if (item->nfronts >= HEADER_PREFIXES_MAX ||
		    begins_with(e->a, item, text))
			continue;
		item->nfronts++;
		item->front = header_text_join(e->a, text, item->front);
	}
}

static void
apply(struct editor *e, const struct header_edit *edit)
{
	struct group *g = find_group(e, edit_name(edit));
	struct span value = clean(e->a, edit->value);

	switch (edit->kind) {
	case ACTION_ADD_HEADER:
		add(e, g, edit->name, value);
		break;
	case ACTION_REMOVE_HEADER:
		remove_group(g);
		break;
	case ACTION_REPLACE_HEADER:
		replace(e, g, edit->name, value);
		break;
	case ACTION_PREFIX_SUBJECT:
		prefix(e, g, value);
		break;
	default:
		assert(!"an edit of the header");
	}
}

/* --- the new header --- */

static bool
is_changed(const struct editor *e)
{
	for (size_t i = 0; i < e->nours; i++)
		if (!e->ours[i].is_gone)
			return true;
	for (size_t i = 0; i < e->c->fields->n; i++)
		if (e->came[i].is_gone || e->came[i].field == NULL ||
		    e->came[i].front.len > 0)
			return true;
	return false;
}

bool
header_edit_put_apart(struct arena *a, const struct header_change *c,
    size_t nabove, struct buf *above, struct buf *out)
{
	struct editor e = { .a = a, .c = c };
	size_t size = c->fields->size;

	assert(nabove <= c->fields->n);
	if (c->ncuts == 0 && c->nedits == 0)
		return false;
	make_groups(&e);
	take_fields(&e);
	e.ours = arena_new_n(a, c->nedits, struct header_item);
	for (size_t i = 0; i < c->nedits; i++)
		apply(&e, &c->edits[i]);
	if (!is_changed(&e))
		return false;
	for (size_t i = 0; i < nabove; i++)
		header_item_put(a, above, &e.came[i], c->utf8);
	for (size_t i = 0; i < e.nours; i++)
		header_item_put(a, out, &e.ours[i], c->utf8);
	for (size_t i = nabove; i < c->fields->n; i++)
		header_item_put(a, out, &e.came[i], c->utf8);
	if (c->is_headless)
		buf_puts(out, "\r\n");
	else if (size < c->text.len)
		buf_put(out, c->text.p + size, c->text.len - size);
	return true;
}

bool
header_edit_put(struct arena *a, const struct header_change *c,
    struct buf *out)
{
	return header_edit_put_apart(a, c, 0, out, out);
}
