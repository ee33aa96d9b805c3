#include "base/clock.h"
#include "base/log.h"
#include "base/tls.h"
#include "gateway/command.h"
#include "gateway/session_count.h"
#include "gateway/session_milters.h"

#define TLS_TIMEOUT	(60 * CLOCK_S)

/*
 * STARTTLS -- upgrade, and forget what was said in clear        RFC 3207
 *
 * The table has made sure that nothing is waiting behind the command. The
 * reply goes out here, since the handshake is next on the wire.
 */
MAY_YIELD struct reply
cmd_starttls(struct session *s, struct span args)
{
	struct logline l;
	struct err err;

	(void)args;
	if (conn_tls(s->conn) != NULL)
		return reply(503, "5.5.1", "TLS is on already");
	if (!session_offers_tls(s))
		return reply(502, "5.5.1", "STARTTLS is not offered here");
	session_count_reply(s, 220);
	conn_puts(s->conn, "220 2.0.0 Ready to start TLS\r\n");
	if (conn_flush(s->conn, clock_now() + TLS_TIMEOUT, &err) < 0 ||
	    tls_accept(s->conn, s->listener->tls, clock_now() + TLS_TIMEOUT,
	    &err) < 0) {
		log_begin(&l, LOG_LABEL_INFO, s->id, "tls failed");
		log_z(&l, "why", err.text);
		log_end(&l);
		s->ended_by = "tls";
		struct reply r = reply_none();

		r.close = true;
		return r;
	}
	session_tls_began(s);
	session_milters_starttls(s);
	return reply_none();
}
