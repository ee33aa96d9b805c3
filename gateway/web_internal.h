#ifndef GATEWAY_WEB_INTERNAL_H
#define GATEWAY_WEB_INTERNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/fiber.h"
#include "gateway/http.h"
#include "gateway/web.h"
/*
 * web_internal -- what the parts of the HTTP server share
 *
 * web.c			the process
 * web_clients.c	connections: accepted, bounded, served
 * web_paths.c		which path is whose
 * web_bodies.c		answers that all get who ask within a second
 * web_health.c		/healthz, /readyz
 * web_transactions.c	/transactions.json, with web_filter.h and web_trace.h
 */
struct event;
struct web_body;
struct web_client;

enum web_shared { WEB_METRICS, WEB_OPENMETRICS, WEB_STATS, WEB_SHARED };

struct web {
	const struct web_start	*start;
	struct arena		*arena;
	struct event		*accept, *rest;
	int64_t			 rest_told;
	struct web_client	*clients;	/* the newest is the first */
	bool			 is_ending;
	struct web_body		*bodies[WEB_SHARED];
};

/* One request, and what it is answered. */
struct web_exchange {
	struct web		*web;
	struct arena		*arena;		/* ends with it */
	struct http_request	 request;
	bool			 is_trusted;	/* has the token, if any */
	struct http_answer	 answer;
	struct web_body		*body;		/* held until it is sent */
};

/* --- web_clients.c --- */
void		 web_clients_open(struct web *w);
/* Accepts nobody any more; who is being served goes on. */
void		 web_clients_close(struct web *w);
void		 web_clients_stop(struct web *w);

/* --- web_paths.c --- */
MAY_YIELD void	 web_answer(struct web_exchange *x);
/* Text of the exchange's arena, or a constant. */
void		 web_say(struct web_exchange *x, enum http_status status,
		    const char *text);
void		 web_count(const struct web_exchange *x);

/* --- web_bodies.c --- */
void		 web_body_take(struct web_exchange *x, enum web_shared which);
/* One for this exchange alone. */
struct buf	*web_body_own(struct web_exchange *x);
struct span	 web_body_text(const struct web_exchange *x);
void		 web_body_leave(struct web_exchange *x);
void		 web_bodies_free(struct web *w);

/* --- web_health.c --- */
void		 web_healthz(struct web_exchange *x);
void		 web_readyz(struct web_exchange *x);

/* --- web_transactions.c --- */
MAY_YIELD void	 web_transactions(struct web_exchange *x);
#endif
