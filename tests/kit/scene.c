#include "base/clock.h"
#include "tests/kit/scene.h"

static const char *const five[] = { "127.0.0.* score 5", NULL };

void
scene_begin(struct scene *s, unsigned checks, size_t n)
{
	struct dnsbl_options options = { .lists = s->lists, .n = n,
	    .probe_interval = DNSBL_PROBE_INTERVAL, .report = lists_report,
	    .owner = &s->events };

	s->arena = arena_create("scene");
	s->lists[0] = lists_make(s->arena, "bl.example", checks, five);
	s->lists[1] = lists_make(s->arena, "other.example", checks, five);
	s->dnsbl = dnsbl_create(s->arena, &options);
}

void
scene_world(bool is_right, const char *rest)
{
	struct buf zone = {0};

	if (is_right) {
		lists_put_points(&zone, "bl.example");
		lists_put_points(&zone, "other.example");
	}
	buf_puts(&zone, rest);
	buf_put(&zone, "", 1);
	lists_zone(zone.p);
	buf_free(&zone);
}

const char *
scene_events(struct scene *s)
{
	const char *text = arena_copy(s->arena, buf_text(&s->events));

	buf_clear(&s->events);
	return text;
}

void
scene_end(struct scene *s)
{
	lists_forget(&s->check);
	dnsbl_stop(s->dnsbl);
	lists_end();
	buf_free(&s->events);
	arena_destroy(&s->arena);
}

const char *
scene_client(struct scene *s, const char *ip)
{
	return lists_client(&s->check, s->dnsbl, ip);
}

const char *
scene_name(struct scene *s, const char *domain)
{
	lists_forget(&s->check);
	s->check = (struct lists_check){ .n = 1, .subjects = { {
	    .check = LISTING_HELO, .name = span_z(domain) } } };
	lists_ask(&s->check, s->dnsbl);
	lists_await(&s->check);
	return lists_text(&s->check);
}
