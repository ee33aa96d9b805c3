#ifndef GATEWAY_PARAM_H
#define GATEWAY_PARAM_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/span.h"
#include "gateway/path.h"
/*
 * param -- the ESMTP parameters of MAIL and RCPT       RFC 5321 4.1.2, 1870,
 *                                           6152, 6531, 3030, 3461, 6533
 * The part of path.c that stands behind the ">": see path.h for memory and
 * errors. `params` are the words; values are kept as they were written.
 */
int	param_parse_mail(struct arena *a, struct span params,
	    const struct path_limits *limits, struct envelope *envelope,
	    struct path_fault *fault);
int	param_parse_rcpt(struct arena *a, struct span params,
	    const struct path_limits *limits, bool smtputf8,
	    struct rcpt *rcpt, unsigned *needs, struct path_fault *fault);
#endif
