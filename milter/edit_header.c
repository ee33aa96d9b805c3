#include <string.h>

#include "milter/edit_header.h"

struct item {
	struct field	 field;		/* no name: no edit finds it */
	bool		 is_ours;	/* our block, all of it */
	struct item	*next;
};

struct editor {
	struct arena	*arena;
	struct item	*first, **end;
	struct item	*room;		/* for those that come */
	size_t		 n;		/* items, our block among them */
	size_t		 steps;
};

static void
append(struct editor *e, struct item *item)
{
	*e->end = item;
	e->end = &item->next;
	e->n++;
}

static void
take(struct editor *e, const struct header_list *in, size_t nedits)
{
	struct item *items = arena_new_n(e->arena, in->n + 1 + nedits,
	    struct item);

	e->end = &e->first;
	for (size_t i = 0; i <= in->n; i++) {
		if (i == in->nabove) {
			items->is_ours = true;
			append(e, items++);
		}
		if (i < in->n) {
			items->field = in->list[i];
			append(e, items++);
		}
	}
	e->room = items;
}

static void
give(const struct editor *e, struct header_list *out)
{
	struct field *list = arena_new_n(e->arena, e->n, struct field);

	*out = (struct header_list){ .list = list };
	for (const struct item *item = e->first; item; item = item->next) {
		if (item->is_ours)
			out->nabove = out->n;
		else
			list[out->n++] = item->field;
	}
}

/* "Name: value", the line end included. */
static struct field
make(struct arena *a, const struct answer *edit)
{
	size_t len = edit->name.len + 1 + edit->value.len + 2;
	char *p = arena_alloc(a, len);
	struct field f = { .whole = span_n(p, len),
	    .name = span_n(p, edit->name.len),
	    .value = span_n(p + edit->name.len + 1, edit->value.len),
	    .offset = EDIT_HEADER_OFFSET };

	memcpy(p, edit->name.p, edit->name.len);
	p[edit->name.len] = ':';
	if (edit->value.len > 0)
		memcpy(p + edit->name.len + 1, edit->value.p,
		    edit->value.len);
	memcpy(p + len - 2, "\r\n", 2);
	return f;
}

static struct item *
new_item(struct editor *e, const struct answer *edit)
{
	struct item *item = e->room++;

	item->field = make(e->arena, edit);
	return item;
}

void
edit_header_read(struct arena *a, struct span above, struct span below,
    struct header_list *out)
{
	struct fields up, down;
	struct field *list;

	fields_parse(a, below, &down);
	*out = (struct header_list){ .list = down.list, .n = down.n };
	if (above.len == 0)
		return;
	fields_parse(a, above, &up);
	list = arena_new_n(a, up.n + down.n, struct field);
	memcpy(list, up.list, up.n * sizeof(*list));
	if (down.n > 0)
		memcpy(list + up.n, down.list, down.n * sizeof(*list));
	*out = (struct header_list){ list, up.n + down.n, up.n };
}

/* --- the edits --- */

static void
insert(struct editor *e, const struct answer *edit)
{
	struct item **at = &e->first, *item = new_item(e, edit);
	size_t left = edit->index;

	if (left >= e->n) {
		append(e, item);
		return;
	}
	for (; left > 0 && *at != NULL; at = &(*at)->next, e->steps++)
		if ((*at)->is_ours || (*at)->field.name.len > 0)
			left--;
	if (*at == NULL) {
		append(e, item);
		return;
	}
	item->next = *at;
	*at = item;
	e->n++;
}

/* What points to the field that a change is about; NULL: there is none. */
static struct item **
find(struct editor *e, const struct answer *edit)
{
	size_t left = edit->index;	/* from 1 */
	struct item **at;

	for (at = &e->first; *at != NULL; at = &(*at)->next, e->steps++)
		if (span_eq_nocase((*at)->field.name, edit->name) &&
		    --left == 0)
			return at;
	return NULL;
}

static void
change(struct editor *e, const struct answer *edit)
{
	struct item **at = find(e, edit);

	if (at == NULL)
		append(e, new_item(e, edit));
	else
		(*at)->field = make(e->arena, edit);
}

static void
delete(struct editor *e, const struct answer *edit)
{
	struct item **at = find(e, edit);

	if (at == NULL)
		return;
	if (e->end == &(*at)->next)
		e->end = at;
	*at = (*at)->next;
	e->n--;
}

static void
apply(struct editor *e, const struct answer *edit)
{
	switch (edit->kind) {
	case ANSWER_ADD_HEADER:
		append(e, new_item(e, edit));
		break;
	case ANSWER_INSERT_HEADER:
		insert(e, edit);
		break;
	case ANSWER_CHANGE_HEADER:
		change(e, edit);
		break;
	case ANSWER_DELETE_HEADER:
		delete(e, edit);
		break;
	default:
		break;
	}
}

bool
edit_header_has(const struct edits *edits)
{
	for (const struct edit *edit = edits->first; edit; edit = edit->next)
		switch (edit->answer.kind) {
		case ANSWER_ADD_HEADER:
		case ANSWER_INSERT_HEADER:
		case ANSWER_CHANGE_HEADER:
		case ANSWER_DELETE_HEADER:
			return true;
		default:
			break;
		}
	return false;
}

int
edit_header(struct arena *a, const struct header_list *in,
    const struct edits *edits, struct header_list *out, struct err *err)
{
	struct editor e = { .arena = a };

	take(&e, in, edits->n);
	for (const struct edit *edit = edits->first; edit; edit = edit->next) {
		apply(&e, &edit->answer);
		if (e.steps > EDIT_HEADER_STEPS)
			return err_set(err, ERR_SYNTAX, "%zu edits of a "
			    "header of %zu fields, which is too much work",
			    edits->n, in->n);
	}
	give(&e, out);
	return 0;
}
