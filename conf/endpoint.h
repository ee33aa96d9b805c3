#ifndef CONF_ENDPOINT_H
#define CONF_ENDPOINT_H
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "conf/settings.h"
/*
 * endpoint -- where to listen, where backends and filters are, whom to ask
 *	       for names
 *
 * Syntax only: nothing is looked up. Errors are ERR_CONFIG (or ERR_SYNTAX of
 * addr.h) and quote what was found. Relative paths are taken from `dir`.
 */

/* "192.0.2.1:25", "[::]:25", "unix:/path": *address is filled in;
 * "systemd:NAME": *address stays empty (len 0). *text is the usual form, for
 * systemd the NAME. */
int	endpoint_listen(struct arena *a, const char *dir, struct span in,
	    struct addr *address, const char **text, struct err *err);
/* The forms of struct backend_url in settings.h. */
int	endpoint_backend(struct arena *a, const char *dir, struct span in,
	    struct backend_url *url, struct err *err);
/* The forms of struct store_conf in settings.h. */
int	endpoint_store(struct arena *a, const char *dir, struct span in,
	    struct store_conf *store, struct err *err);
/* The forms of struct milter_url in settings.h. A name may have addresses of
 * both families, whatever stands before it. */
int	endpoint_milter(struct arena *a, const char *dir, struct span in,
	    struct milter_url *url, struct err *err);
/* "192.0.2.1" or "192.0.2.1:53"; *text always has the port. */
int	endpoint_forward(struct arena *a, struct span in, const char **text,
	    struct err *err);
#endif
