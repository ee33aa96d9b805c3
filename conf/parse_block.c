#include <assert.h>

#include "conf/list.h"
#include "conf/parse.h"
#include "conf/value.h"

/* The name behind "listener" or "backend"; NULL if there is none or a bad
 * one, which is reported. */
static const char *
read_label(struct file *f, const struct block *block, const struct token *name)
{
	const struct token *label = f->t;
	size_t n = 0;

	for (; parse_is_value(f->t); f->t++)
		n++;
	if (block->has_label && n == 0) {
		diagnostic(f->r->d, name->place, NULL,
		    "%s needs a name: %s NAME {", block->noun, block->name);
		return NULL;
	}
	if (n > (block->has_label ? 1 : 0)) {
		diagnostic(f->r->d, label[n - 1].place, NULL,
		    "expected { after \"%s%s\", found \"%s\"", block->name,
		    block->has_label ? " NAME" : "",
		    parse_show(f, &label[n - 1]));
		return NULL;
	}
	if (n == 0)
		return NULL;
	if (!value_is_label(label->text)) {
		diagnostic(f->r->d, label->place, NULL, "\"%s\" is not a name "
		    "for %s: expected 1 to 63 letters, digits, \"-\", \"_\" "
		    "or \".\"", parse_show(f, label), block->noun);
		return NULL;
	}
	return arena_copy(f->r->s->arena, label->text);
}

static struct origin
origin_create(struct reading *r, struct place at)
{
	return (struct origin){ .at = at, .marks = arena_new_n(r->a,
	    directive_count(), struct mark) };
}

/* One function for each kind of block: its struct, read and then kept. */
static void
read_listener(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct listener_conf listener = { .name = label };

	frame->object = &listener;
	parse_settings(f, frame, f->t[-1].place);
	s->listeners = list_room(s->arena, s->listeners, s->nlisteners,
	    sizeof(listener));
	r->listeners = list_room(r->a, r->listeners, s->nlisteners,
	    sizeof(*frame->origin));
	r->listeners[s->nlisteners] = *frame->origin;
	s->listeners[s->nlisteners++] = listener;
}

static void
read_backend(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct backend_conf backend = { .name = label };

	frame->object = &backend;
	parse_settings(f, frame, f->t[-1].place);
	s->backends = list_room(s->arena, s->backends, s->nbackends,
	    sizeof(backend));
	r->backends = list_room(r->a, r->backends, s->nbackends,
	    sizeof(*frame->origin));
	r->backends[s->nbackends] = *frame->origin;
	s->backends[s->nbackends++] = backend;
}

static void
read_route(struct file *f, struct frame *frame)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct route_conf route = {0};

	frame->object = &route;
	parse_settings(f, frame, f->t[-1].place);
	s->routes = list_room(s->arena, s->routes, s->nroutes, sizeof(route));
	r->routes = list_room(r->a, r->routes, s->nroutes,
	    sizeof(*frame->origin));
	r->routes[s->nroutes] = *frame->origin;
	s->routes[s->nroutes++] = route;
}

static void
read_dnsbl(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct dnsbl_conf list = { .list = { .name = label } };

	frame->object = &list;
	parse_settings(f, frame, f->t[-1].place);
	s->lists = list_room(s->arena, s->lists, s->nlists, sizeof(list));
	r->lists = list_room(r->a, r->lists, s->nlists,
	    sizeof(*frame->origin));
	r->lists[s->nlists] = *frame->origin;
	s->lists[s->nlists++] = list;
}

static void
read_milter(struct file *f, struct frame *frame, const char *label)
{
	struct reading *r = f->r;
	struct settings *s = r->s;
	struct milter_conf milter = { .name = label };

	frame->object = &milter;
	parse_settings(f, frame, f->t[-1].place);
	s->milters = list_room(s->arena, s->milters, s->nmilters,
	    sizeof(milter));
	r->milters = list_room(r->a, r->milters, s->nmilters,
	    sizeof(*frame->origin));
	r->milters[s->nmilters] = *frame->origin;
	s->milters[s->nmilters++] = milter;
}

void
parse_block(struct file *f, const struct block *block)
{
	const struct token *name = f->t++;
	const char *label = read_label(f, block, name);
	struct origin origin = origin_create(f->r, name->place);
	struct frame frame = { .scope = block->scope, .block = block,
	    .origin = &origin };

	/* The { may stand on a line of its own. */
	if (f->t->kind == TOKEN_EOL && token_is_punct(f->t + 1, "{"))
		f->t++;
	if (!token_is_punct(f->t, "{")) {
		diagnostic(f->r->d, name->place, NULL,
		    "\"%s\" needs a block: { is missing", block->name);
		return;
	}
	f->t++;
	switch (block->scope) {
	case SCOPE_LISTENER:
		read_listener(f, &frame, label);
		break;
	case SCOPE_BACKEND:
		read_backend(f, &frame, label);
		break;
	case SCOPE_ROUTE:
		read_route(f, &frame);
		break;
	case SCOPE_DNSBL:
		read_dnsbl(f, &frame, label);
		break;
	case SCOPE_MILTER:
		read_milter(f, &frame, label);
		break;
	default:
		assert(block->scope & SCOPE_SINGLE);
		frame.object = f->r->s;
		frame.origin = &f->r->top;
		parse_settings(f, &frame, f->t[-1].place);
	}
}
