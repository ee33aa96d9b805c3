#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "milter/milters_internal.h"

/* The place of a command in a dialogue. What answers later ones can do the
 * earlier ones too. */
static int
place(char command)
{
	static const char order[] = { SMFIC_OPTNEG, SMFIC_CONNECT,
	    SMFIC_UNKNOWN, SMFIC_HELO, SMFIC_MAIL, SMFIC_RCPT, SMFIC_DATA,
	    SMFIC_HEADER, SMFIC_EOH, SMFIC_BODY, SMFIC_BODYEOB };
	const char *at = memchr(order, command, sizeof(order));

	return at == NULL ? 0 : (int)(at - order);
}

static void
log_change(const struct milters_filter *f, bool is_up)
{
	struct logline l;

	log_begin(&l, is_up ? LOG_LABEL_INFO : LOG_LABEL_WARN, NULL,
	    is_up ? "milter up" : "milter down");
	log_z(&l, "milter", f->conf->name);
	if (is_up)
		log_int(&l, "after", (clock_now() - f->since) / CLOCK_S);
	else {
		log_z(&l, "address", f->conf->address.text);
		log_z(&l, "failure", milters_rest_action(f));
		log_z(&l, "why", f->why.text);
	}
	log_end(&l);
}

void
milters_succeeded(struct milters_use *u, char command, bool is_final)
{
	struct milters_filter *f = u->filter;

	u->is_kept = false;
	if (f->failures == 0 || (!is_final && place(command) < f->failed_at))
		return;
	f->failures = 0;
	f->failed_at = 0;
	f->trial = NULL;
	if (!f->is_down)
		return;
	log_change(f, true);
	f->is_down = false;
	f->since = clock_now();
}

/* What a mail brings about by itself: a client must not be able to put a filter
 * to rest with it. */
static bool
is_of_mail(char command, const struct err *err)
{
	return command != SMFIC_OPTNEG && err->kind == ERR_CONFIG;
}

void
milters_failed(struct milters_use *u, char command, const struct err *err)
{
	struct milters_filter *f = u->filter;

	if (f->trial == u)
		f->trial = NULL;
	if (fiber_is_stopped() || is_of_mail(command, err))
		return;
	f->why = *err;
	if (err->kind == ERR_SYNTAX)
		f->proved = 0;
	if (place(command) > f->failed_at)
		f->failed_at = place(command);
	if (f->failures < MILTERS_FAILURES)
		f->failures++;
	if (f->failures < MILTERS_FAILURES)
		return;
	f->rest_until = clock_now() + f->conf->retry_time;
	if (f->is_down)
		return;
	log_change(f, false);
	f->is_down = true;
	f->since = clock_now();
	milters_expire(f, CLOCK_NEVER);
}

/* Behind its rest one tries, and the next only when that one is done, or does
 * something else than wait for the filter. */
int
milters_may_try(struct milters_use *u, struct err *err)
{
	struct milters_filter *f = u->filter;

	u->is_spared = f->is_down && (clock_now() < f->rest_until ||
	    (f->trial != NULL && f->trial->is_waiting));
	if (!f->is_down)
		return 0;
	if (u->is_spared)
		return err_set(err, ERR_UNAVAIL, "it rests after: %s",
		    f->why.text);
	f->trial = u;
	f->rest_until = clock_now() + f->conf->retry_time;
	return 0;
}
