#ifndef FILTERS_RECEIVED_SPF_H
#define FILTERS_RECEIVED_SPF_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * received_spf -- the Received-SPF field                      RFC 7208 9.1
 *
 *	Received-SPF: pass (mechanism ip4:192.0.2.0/24 matched)
 *		receiver=mx.example.org; client-ip=192.0.2.1;
 *		envelope-from="a@x.example"; helo=mail.x.example;
 *		identity=mailfrom; mechanism="ip4:192.0.2.0/24"
 *
 * For filters that know nothing of Authentication-Results; stands above our
 * Received. Values come from outside: each is a dot-atom or a quoted string,
 * in which what cannot be shown, and a backslash, is "?".
 *
 * Memory    `a` is for work; the field goes into `out`
 * Limits    a value longer than RECEIVED_SPF_VALUE_MAX octets is left out with
 *           its name; lines as in field_writer
 */
#define RECEIVED_SPF_VALUE_MAX 400

struct received_spf {
	const char	*result;	/* "pass"; of our making, as is ... */
	const char	*identity;	/* "mailfrom", "helo" */
	struct span	 comment;	/* these: left out if empty */
	struct span	 receiver;
	struct span	 client_ip;
	struct span	 envelope_from;
	struct span	 helo;
	struct span	 mechanism;
	struct span	 problem;
	bool		 utf8;		/* the message came with SMTPUTF8 */
};

void	received_spf_write(struct arena *a, struct buf *out,
	    const struct received_spf *r);
#endif
