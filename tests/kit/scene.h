#ifndef TESTS_KIT_SCENE_H
#define TESTS_KIT_SCENE_H
#include "tests/kit/lists.h"
/*
 * scene -- a worker with its DNS lists, and what it was told of them
 *
 * The lists are bl.example and other.example; what they answer in 127.0.0.0/24
 * scores 5.
 */
struct scene {
	struct arena		*arena;
	struct dnsbl_list	 lists[2];
	struct dnsbl		*dnsbl;
	struct buf		 events;
	struct lists_check	 check;		/* the last one */
};

/* With the first n lists, which are probed from now on. */
void		 scene_begin(struct scene *s, unsigned checks, size_t n);
void		 scene_end(struct scene *s);
/* The DNS from now on: whether the test points are right, and the rest. */
void		 scene_world(bool is_right, const char *rest);
/* What was told since the last time. */
const char	*scene_events(struct scene *s);
/* What lists say of a client or of a HELO name: lists_text(). */
const char	*scene_client(struct scene *s, const char *ip);
const char	*scene_name(struct scene *s, const char *domain);
#endif
