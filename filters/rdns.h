#ifndef FILTERS_RDNS_H
#define FILTERS_RDNS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/fiber.h"
#include "policy/address.h"
/*
 * rdns -- do the names exist that a client and a sender give?
 *                        RFC 5321 2.3.5, 4.1.3, 5.1; RFC 7505; RFC 8601 2.7.3
 *
 * rdns_helo() looks at the name of HELO: whether it resolves, and to the
 * client. rdns_sender() finds out whether the sender's domain could take a
 * reply. The name of the client's address is found by dns_reverse_name()
 * (base/dns.h), whose results rdns_iprev() puts into the words of RFC 8601.
 *
 * A failure of DNS is a result: RDNS_TEMPERROR, and a sender's domain that
 * cannot be looked up is taken to accept mail.
 *
 * Names     with U-labels are looked up as A-labels.
 * Yields    until the deadline; HELO takes one round trip, a domain with MX
 *           two, or three if its best host does not exist.
 * Memory    answers live in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    RDNS_HOSTS of a domain's MX hosts are looked up, in the order of
 *           preference: 3 + 2 * RDNS_HOSTS lookups. If none of these exists
 *           the others are taken to.
 */
#define RDNS_HOSTS	10

enum rdns_outcome { RDNS_NO, RDNS_YES, RDNS_TEMPERROR };

enum rdns_form { RDNS_NAME, RDNS_LITERAL, RDNS_INVALID };

struct rdns_helo {
	enum rdns_form		 form;
	const char		*name;		/* as looked up; else NULL */
	enum rdns_outcome	 resolves;	/* to any address; a literal is
						   its own */
	enum rdns_outcome	 matches;	/* to the client's address */
	bool			 is_near;	/* to one in the client's
						   network: /24, /64 */
	bool			 secure;	/* DNSSEC validated */
	struct addr		*addrs;		/* IPv4 first */
	size_t			 naddrs;
	const char		*reason;	/* for people */
};

/* Why a domain accepts mail, or does not. */
enum rdns_mail {
	RDNS_MAIL_NULL_SENDER,	/* nothing to reply to */
	RDNS_MAIL_MX,
	RDNS_MAIL_ADDRESS,	/* no MX: the domain is the host */
	RDNS_MAIL_LITERAL,	/* [192.0.2.1] */
	RDNS_MAIL_TEMPERROR,
	RDNS_MAIL_NULL_MX,	/* it says that it does not */
	RDNS_MAIL_NO_NAME,	/* no such domain */
	RDNS_MAIL_NO_HOST,	/* neither MX nor address */
	RDNS_MAIL_NO_MX_HOST,	/* its MX hosts do not exist */
	RDNS_MAIL_INVALID	/* no domain name */
};

struct rdns_sender {
	bool			 accepts_mail;
	enum rdns_mail		 why;
	const char		*name;		/* as looked up; else NULL */
	const char		*host;		/* that exists; else NULL */
	bool			 secure;	/* what its MX are, or that
						   there are none */
	const char		*reason;	/* for people */
};

/* `helo` is as the client gave it; NULL, it gave none, is invalid. */
MAY_YIELD int	 rdns_helo(struct arena *a, const char *helo,
		    const struct addr *client, int64_t deadline,
		    struct rdns_helo *answer, struct err *err);
MAY_YIELD int	 rdns_sender(struct arena *a, const struct address *sender,
		    int64_t deadline, struct rdns_sender *answer,
		    struct err *err);
const char	*rdns_outcome_name(enum rdns_outcome outcome);
const char	*rdns_form_name(enum rdns_form form);
const char	*rdns_mail_name(enum rdns_mail why);
/* "pass", "fail", "temperror", "permerror". */
const char	*rdns_iprev(enum dns_reverse reverse);
#endif
