#ifndef CONF_DIRECTIVE_ROWS_H
#define CONF_DIRECTIVE_ROWS_H
#include <stddef.h>
#include "base/clock.h"
#include "conf/directive.h"
#include "conf/settings.h"
/*
 * directive_rows -- the rows of the table in directive.h, in parts
 *
 * directive_gateway.c	what the gateway is and does as a whole
 * directive_mail.c	where mail comes in and where it goes
 * directive_milter.c	who is asked about it on its way
 * directive_stats.c	what can be seen of it
 * directive_journal.c	what is kept of each mail
 */
#define TOP(field)	offsetof(struct settings, field)
#define SMTP(field)	offsetof(struct smtp_conf, field)
#define BACKEND(field)	offsetof(struct backend_conf, field)
#define ROUTE(field)	offsetof(struct route_conf, field)
#define DNSBL(field)	offsetof(struct dnsbl_conf, field)
#define MILTER(field)	offsetof(struct milter_conf, field)

#define KIB	UINT64_C(1024)
#define MIB	(KIB * 1024)
#define GIB	(MIB * 1024)
#define MS(n)	((n) * CLOCK_MS)
#define SECONDS(n) ((n) * CLOCK_S)
#define MINUTES(n) SECONDS((n) * 60)
#define HOURS(n) MINUTES((n) * 60)

struct directive_rows {
	const struct directive	*list;
	size_t			 n;
};
extern const struct directive_rows directive_gateway, directive_mail,
    directive_milter, directive_stats, directive_journal;
#endif
