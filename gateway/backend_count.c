#include "base/clock.h"
#include "gateway/backend_internal.h"
#include "gateway/series.h"

static size_t
subject(const struct backend_addr *addr)
{
	const struct backend *b = addr->backend;

	return series_address((size_t)(b - b->all->list),
	    (size_t)(addr - b->addrs));
}

void
backend_count_opened(const struct backend_addr *addr, int64_t began)
{
	series_add(SERIES_BACKEND_OPENED, subject(addr), 0, 0, 1);
	series_time(SERIES_BACKEND_CONNECT_TIME, subject(addr), 0,
	    clock_now() - began);
}

void
backend_count_rcpt(const struct backend_tx *tx, int64_t began)
{
	series_time(SERIES_BACKEND_RCPT_TIME, subject(tx->addr), 0,
	    clock_now() - began);
}

/* If it is not the same for all recipients: what is best for the mail. */
static unsigned
result_of(const struct backend_tx *tx, const struct reply *const *answers)
{
	unsigned result = WORD_TAKEN_REFUSED;

	if (answers == NULL || tx->is_lost)
		return WORD_TAKEN_FAILED;
	for (size_t i = 0; i < tx->envelope->nrcpts; i++) {
		if (reply_is_ok(answers[i]))
			return WORD_TAKEN_YES;
		if (!reply_is_permanent(answers[i]))
			result = WORD_TAKEN_DEFERRED;
	}
	return result;
}

void
backend_count_message(const struct backend_tx *tx, int64_t began,
    const struct reply *const *answers)
{
	series_add(SERIES_BACKEND_TRANSACTIONS, subject(tx->addr),
	    result_of(tx, answers), 0, 1);
	if (answers != NULL)
		series_time(SERIES_BACKEND_MESSAGE_TIME, subject(tx->addr), 0,
		    clock_now() - began);
}
