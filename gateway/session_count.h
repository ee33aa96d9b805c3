#ifndef GATEWAY_SESSION_COUNT_H
#define GATEWAY_SESSION_COUNT_H
#include <stddef.h>
#include <stdint.h>
#include "gateway/session.h"
/*
 * session_count -- statistics of sessions, their commands and their mails
 *
 * All are kept by listener. What a client is told is counted before it leaves,
 * so that whoever has seen a reply finds it there, even if the worker was
 * killed right behind it.
 */
/* The subject of its series. */
size_t	session_subject(const struct session *s);

void	session_count_begin(const struct session *s);
void	session_count_end(const struct session *s);
/* The reply to s->verb, which was heard at s->heard: once, that is -1 from then
 * on. Code 0: there is none. */
void	session_count_reply(struct session *s, int code);
/* The greeting, or what came instead. */
void	session_count_greeting(const struct session *s, int code);
/* A stage of this session is over. */
void	session_count_stage(const struct session *s, enum stage_time stage,
	    int64_t us);
#endif
