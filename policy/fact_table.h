#ifndef POLICY_FACT_TABLE_H
#define POLICY_FACT_TABLE_H
/*
 * fact_table -- the rows of the table in fact.h
 *
 * name, type, words (a list in fact.c, or NULL), phase, scope, change, cost,
 * argument, whether it can be none, help
 */
#define FACT_TABLE(X) \
X(CLIENT_IP, "client.ip", TYPE_ADDRESS, NULL, PHASE_CONNECT, FACT_OF_SESSION, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the client's address; none on a unix socket") \
X(CLIENT_PORT, "client.port", TYPE_INT, NULL, PHASE_CONNECT, FACT_OF_SESSION, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, "the client's port") \
X(CLIENT_NETWORK, "client.network", TYPE_NETWORK, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the client's network: /24 of IPv4, /64 of IPv6") \
X(CLIENT_NAME, "client.name", TYPE_NAME, NULL, PHASE_CONNECT, FACT_OF_SESSION, \
    FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, true, \
    "the client's reverse name, if that points back to it") \
X(CLIENT_REVERSE, "client.reverse", TYPE_WORD, reverse_words, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "what became of the reverse name") \
X(CLIENT_EARLY_TALKER, "client.early-talker", TYPE_YESNO, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the client spoke before the greeting") \
X(CLIENT_PIPELINED_EARLY, "client.pipelined-early", TYPE_YESNO, NULL, \
    PHASE_CONNECT, FACT_OF_MAIL, FACT_GROWS, FACT_FREE, FACT_TAKES_NOTHING, \
    false, "the client sent commands ahead without being offered that") \
X(CLIENT_ERRORS, "client.errors", TYPE_INT, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "commands of this session that were answered 5yz") \
X(CLIENT_SESSIONS, "client.sessions", TYPE_INT, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "open sessions of the client's IPv4 address, or of its /64 of IPv6") \
X(CLIENT_NETWORK_SESSIONS, "client.network.sessions", TYPE_INT, NULL, \
    PHASE_CONNECT, FACT_OF_SESSION, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, \
    false, "open sessions of the client's network: /24 of IPv4, /64 of IPv6") \
X(CLIENT_SITE_SESSIONS, "client.site.sessions", TYPE_INT, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "open sessions of the client's site: /24 of IPv4, /48 of IPv6") \
X(LISTENER, "listener", TYPE_TEXT, NULL, PHASE_CONNECT, FACT_OF_SESSION, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the name of the listener that the client came in by") \
X(DNSBL_SCORE, "dnsbl.score", TYPE_NUMBER, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "what the answers of all DNS lists are worth together") \
X(DNSBL_NAMES, "dnsbl.names", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "the DNS lists that list the client or a name in the mail") \
X(DNSBL_TAGS, "dnsbl.tags", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "the tags of the answers of these lists") \
X(DNSBL_FAILED, "dnsbl.failed", TYPE_INT, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "DNS lists that did not answer in time") \
X(DNSBL_LIST, "dnsbl.", TYPE_ADDRESSES, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_GROWS, FACT_DNS, FACT_TAKES_LIST, false, \
    "what the DNS list of this name answered") \
X(CLIENT_TLS, "client.tls", TYPE_YESNO, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the connection has TLS") \
X(TLS_VERSION, "tls.version", TYPE_TEXT, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the version of TLS, as in TLSv1.3; none without TLS") \
X(TLS_CIPHER, "tls.cipher", TYPE_TEXT, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the cipher of TLS; none without TLS") \
X(TLS_CLIENT_NAME, "tls.client-name", TYPE_NAME, NULL, PHASE_HELO, \
    FACT_OF_HELO, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the name in the client's certificate, if that was verified") \
X(HELO_NAME, "helo.name", TYPE_NAME, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the name that the client gave") \
X(HELO_KIND, "helo.kind", TYPE_WORD, helo_words, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the command with which it did") \
X(HELO_RESOLVES, "helo.resolves", TYPE_YESNO, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "that name has an address; yes when DNS does not answer") \
X(HELO_MATCHES, "helo.matches-client", TYPE_YESNO, NULL, PHASE_HELO, \
    FACT_OF_HELO, FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "one of the name's addresses is the client's") \
X(SPF_HELO, "spf.helo", TYPE_WORD, spf_words, PHASE_HELO, FACT_OF_HELO, \
    FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, false, "SPF of the HELO name") \
X(SENDER, "sender", TYPE_MAILBOX, NULL, PHASE_MAIL, FACT_OF_MAIL, FACT_STAYS, \
    FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the sender of the envelope; none for the null sender") \
X(SENDER_LOCAL, "sender.local", TYPE_TEXT, NULL, PHASE_MAIL, FACT_OF_MAIL, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "what stands before the @ in it") \
X(SENDER_DOMAIN, "sender.domain", TYPE_NAME, NULL, PHASE_MAIL, FACT_OF_MAIL, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "what stands behind the @ in it") \
X(SENDER_IS_NULL, "sender.is-null", TYPE_YESNO, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the sender is the null one: MAIL FROM:<>") \
X(SENDER_ACCEPTS, "sender.domain-accepts-mail", TYPE_YESNO, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "the sender's domain could take a reply; yes when DNS does not answer") \
X(SPF, "spf", TYPE_WORD, spf_words, PHASE_MAIL, FACT_OF_MAIL, FACT_STAYS, \
    FACT_DNS, FACT_TAKES_NOTHING, false, "SPF of the sender") \
X(SPF_EXPLANATION, "spf.explanation", TYPE_TEXT, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_STAYS, FACT_DNS, FACT_TAKES_NOTHING, true, \
    "what the sender's domain has to say of an SPF fail") \
X(DECLARED_SIZE, "message.declared-size", TYPE_SIZE, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "what the client said with SIZE= at MAIL") \
X(RCPT, "rcpt", TYPE_MAILBOX, NULL, PHASE_RCPT, FACT_OF_RCPT, FACT_STAYS, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the recipient") \
X(RCPT_LOCAL, "rcpt.local", TYPE_TEXT, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "what stands before the @ in it") \
X(RCPT_DOMAIN, "rcpt.domain", TYPE_NAME, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "what stands behind it; none for postmaster alone") \
X(RCPT_COUNT, "rcpt.count", TYPE_INT, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_GROWS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "recipients so far, this one included") \
X(GREYLIST, "greylist", TYPE_WORD, greylist_words, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_STAYS, FACT_STORE, FACT_TAKES_NOTHING, false, \
    "what the greylist knows of this client, sender and recipient") \
X(GREYLIST_LEFT, "greylist.left", TYPE_DURATION, NULL, PHASE_RCPT, \
    FACT_OF_RCPT, FACT_STAYS, FACT_STORE, FACT_TAKES_NOTHING, true, \
    "how long it asks the client to wait; none if it does not") \
X(GREYLIST_IDENTITY, "greylist.identity", TYPE_TEXT, NULL, PHASE_RCPT, \
    FACT_OF_RCPT, FACT_STAYS, FACT_STORE, FACT_TAKES_NOTHING, true, \
    "as whom it knows the client: by SPF domain, name or network") \
X(MESSAGE_SIZE, "message.size", TYPE_SIZE, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "octets of the message") \
X(HEADER, "header", TYPE_TEXT, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_HEADER, true, \
    "the first header field of this name, unfolded, decoded, in UTF-8") \
X(HEADERS, "headers", TYPE_TEXTS, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_HEADER, false, \
    "all header fields of this name, likewise") \
X(HEADER_COUNT, "header-count", TYPE_INT, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_HEADER, false, \
    "how many header fields of this name there are") \
X(FROM_DOMAIN, "from.domain", TYPE_NAME, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, true, \
    "the author's domain; none if there is not exactly one") \
X(FROM_COUNT, "from.count", TYPE_INT, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "addresses in the From field") \
X(DKIM, "dkim", TYPE_WORD, dkim_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "the best result of all DKIM signatures") \
X(DKIM_DOMAINS, "dkim.domains", TYPE_NAMES, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "the domains whose DKIM signature passes") \
X(DKIM_ALIGNED, "dkim.aligned", TYPE_YESNO, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "one of these speaks for the author's domain") \
X(DMARC, "dmarc", TYPE_WORD, dmarc_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "DMARC (RFC 9989) of the author's domain") \
X(DMARC_POLICY, "dmarc.policy", TYPE_WORD, policy_words, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "what its record asks of this mail, after sp, np and t") \
X(DMARC_DOMAIN, "dmarc.domain", TYPE_NAME, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, true, \
    "the author's domain that DMARC looked at") \
X(DMARC_TESTING, "dmarc.testing", TYPE_YESNO, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "its record says t=y") \
X(ARC, "arc", TYPE_WORD, arc_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "the chain of ARC seals (RFC 8617)") \
X(MILTER, "milter.", TYPE_WORD, milter_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_STAYS, FACT_FILTER, FACT_TAKES_MILTER, false, \
    "what the filter of this name says of the mail") \
X(SCORE, "score", TYPE_NUMBER, NULL, PHASE_CONNECT, FACT_OF_RULES, FACT_STAYS, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the sum of all scores so far") \
X(SCORES, "scores", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_RULES, \
    FACT_STAYS, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "the names of these scores")
#endif
