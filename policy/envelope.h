#ifndef POLICY_ENVELOPE_H
#define POLICY_ENVELOPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/dns.h"
#include "policy/address.h"
/*
 * envelope -- the client and the envelope of one mail: what is judged
 *
 * Plain data. A client lives in the session's arena, an envelope in the
 * mail's. Handlers and filters pass these, never the session.
 */
struct client {
	struct addr	 addr;		/* after PROXY and XCLIENT */
	struct addr	 local;		/* where it connected to */
	const char	*name;		/* confirmed reverse name, or NULL */
	enum dns_reverse reverse;
	const char	*unconfirmed;	/* of a MISMATCH: the name; else NULL */
	const char	*helo;		/* as given; NULL before */
	bool		 esmtp;		/* EHLO */
	bool		 early_talker;	/* spoke before the greeting */
	bool		 early_pipelining; /* sent ahead without being offered */
	const char	*tls_version;	/* NULL in clear */
	const char	*tls_cipher;
	int		 tls_bits;
	const char	*tls_name;	/* of a verified client certificate */
	const char	*tls_issuer;	/* of the same */
	bool		 tls_verified;	/* there is such a certificate */
	const char	*login;		/* XCLIENT LOGIN, or NULL */
};

enum body_type { BODY_NONE, BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

/* What a mail asks of whoever takes it (MAIL and RCPT parameters used). */
enum ability {
	ABILITY_SIZE		= 1 << 0,
	ABILITY_8BITMIME	= 1 << 1,
	ABILITY_SMTPUTF8	= 1 << 2,
	ABILITY_DSN		= 1 << 3,
	ABILITY_BINARYMIME	= 1 << 4,
	ABILITY_CHUNKING	= 1 << 5,
	ABILITY_PIPELINING	= 1 << 6,
	ABILITY_STARTTLS	= 1 << 7,
	ABILITY_XCLIENT		= 1 << 8,
	ABILITY_XFORWARD	= 1 << 9,
	ABILITY_ENHANCED	= 1 << 10,
	ABILITY_PRDR		= 1 << 11
};

struct rcpt {
	struct address	 addr;
	const char	*notify;	/* DSN, as written; NULL: not given */
	const char	*orcpt;
	struct span	 params;	/* all ESMTP parameters, as written;
					   "" of one who was taken */
};

struct envelope {
	struct address	 sender;
	uint64_t	 declared_size;	/* SIZE=; 0: none */
	enum body_type	 body;
	bool		 smtputf8;
	bool		 prdr;		/* each recipient may be answered
					   otherwise: who sends it can tell */
	const char	*ret;		/* DSN RET, as written; NULL */
	const char	*envid;
	struct span	 params;	/* all ESMTP parameters, as written */
	unsigned	 needs;		/* enum ability bits */
	struct rcpt	*rcpts;		/* those that were taken */
	size_t		 nrcpts;
};
#endif
