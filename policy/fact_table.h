#ifndef POLICY_FACT_TABLE_H
#define POLICY_FACT_TABLE_H
/*
 * fact_table -- the rows of the table in fact.h
 *
 * name, type, words (a list in fact.c, or NULL), phase, scope, cost,
 * argument, whether it can be none, help
 */
#define FACT_TABLE(X) \
X(CLIENT_IP, "client.ip", TYPE_ADDRESS, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the client's address; none on a unix socket") \
X(CLIENT_PORT, "client.port", TYPE_INT, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_FREE, FACT_TAKES_NOTHING, true, "its port") \
X(CLIENT_NETWORK, "client.network", TYPE_NETWORK, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "its network: /24 of IPv4, /64 of IPv6") \
X(CLIENT_NAME, "client.name", TYPE_NAME, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_DNS, FACT_TAKES_NOTHING, true, \
    "its reverse name, if that points back; else none") \
X(CLIENT_REVERSE, "client.reverse", TYPE_WORD, reverse_words, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "what became of the reverse name") \
X(CLIENT_EARLY_TALKER, "client.early-talker", TYPE_YESNO, NULL, \
    PHASE_CONNECT, FACT_OF_SESSION, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "it spoke before the greeting") \
X(CLIENT_PIPELINED_EARLY, "client.pipelined-early", TYPE_YESNO, NULL, \
    PHASE_CONNECT, FACT_OF_MAIL, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "it sent commands ahead without being offered that") \
X(CLIENT_ERRORS, "client.errors", TYPE_INT, NULL, PHASE_CONNECT, \
    FACT_OF_MAIL, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "commands of this session that were answered 5yz") \
X(CLIENT_SESSIONS, "client.sessions", TYPE_INT, NULL, PHASE_CONNECT, \
    FACT_OF_SESSION, FACT_FREE, FACT_TAKES_NOTHING, false, \
    "open sessions of its network with this worker") \
X(LISTENER, "listener", TYPE_TEXT, NULL, PHASE_CONNECT, FACT_OF_SESSION, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the listener that it came in by") \
X(DNSBL_SCORE, "dnsbl.score", TYPE_NUMBER, NULL, PHASE_CONNECT, \
    FACT_OF_MAIL, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "what the answers of all DNS lists are worth together") \
X(DNSBL_NAMES, "dnsbl.names", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_DNS, FACT_TAKES_NOTHING, false, "the lists that list it") \
X(DNSBL_TAGS, "dnsbl.tags", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_DNS, FACT_TAKES_NOTHING, false, "the tags of their answers") \
X(DNSBL_FAILED, "dnsbl.failed", TYPE_INT, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_DNS, FACT_TAKES_NOTHING, false, "lists that did not answer in time") \
X(DNSBL_LIST, "dnsbl.", TYPE_ADDRESSES, NULL, PHASE_CONNECT, FACT_OF_MAIL, \
    FACT_DNS, FACT_TAKES_LIST, false, "what the list of this name answered") \
X(CLIENT_TLS, "client.tls", TYPE_YESNO, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the connection has TLS") \
X(TLS_VERSION, "tls.version", TYPE_TEXT, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_FREE, FACT_TAKES_NOTHING, true, "its version, as in TLSv1.3") \
X(TLS_CIPHER, "tls.cipher", TYPE_TEXT, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_FREE, FACT_TAKES_NOTHING, true, "its cipher") \
X(TLS_CLIENT_NAME, "tls.client-name", TYPE_NAME, NULL, PHASE_HELO, \
    FACT_OF_HELO, FACT_FREE, FACT_TAKES_NOTHING, true, \
    "the name in the client's certificate, if that was verified") \
X(HELO_NAME, "helo.name", TYPE_NAME, NULL, PHASE_HELO, FACT_OF_HELO, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the name that it gave") \
X(HELO_KIND, "helo.kind", TYPE_WORD, helo_words, PHASE_HELO, FACT_OF_HELO, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "with which command") \
X(HELO_RESOLVES, "helo.resolves", TYPE_YESNO, NULL, PHASE_HELO, \
    FACT_OF_HELO, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "the name has an address; yes when DNS does not answer") \
X(HELO_MATCHES, "helo.matches-client", TYPE_YESNO, NULL, PHASE_HELO, \
    FACT_OF_HELO, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "one of these is the client's") \
X(SPF_HELO, "spf.helo", TYPE_WORD, spf_words, PHASE_HELO, FACT_OF_HELO, \
    FACT_DNS, FACT_TAKES_NOTHING, false, "SPF of the HELO name") \
X(SENDER, "sender", TYPE_MAILBOX, NULL, PHASE_MAIL, FACT_OF_MAIL, \
    FACT_FREE, FACT_TAKES_NOTHING, true, "the reverse-path; none is the null sender") \
X(SENDER_LOCAL, "sender.local", TYPE_TEXT, NULL, PHASE_MAIL, FACT_OF_MAIL, \
    FACT_FREE, FACT_TAKES_NOTHING, true, "before the @") \
X(SENDER_DOMAIN, "sender.domain", TYPE_NAME, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_FREE, FACT_TAKES_NOTHING, true, "behind it") \
X(SENDER_IS_NULL, "sender.is-null", TYPE_YESNO, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_FREE, FACT_TAKES_NOTHING, false, "MAIL FROM:<>") \
X(SENDER_ACCEPTS, "sender.domain-accepts-mail", TYPE_YESNO, NULL, \
    PHASE_MAIL, FACT_OF_MAIL, FACT_DNS, FACT_TAKES_NOTHING, false, \
    "its domain could take a reply; yes when DNS does not answer") \
X(SPF, "spf", TYPE_WORD, spf_words, PHASE_MAIL, FACT_OF_MAIL, FACT_DNS, \
    FACT_TAKES_NOTHING, false, "SPF of the sender") \
X(SPF_EXPLANATION, "spf.explanation", TYPE_TEXT, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_DNS, FACT_TAKES_NOTHING, true, \
    "what the sender's domain says of a fail") \
X(DECLARED_SIZE, "message.declared-size", TYPE_SIZE, NULL, PHASE_MAIL, \
    FACT_OF_MAIL, FACT_FREE, FACT_TAKES_NOTHING, true, "SIZE= of MAIL") \
X(RCPT, "rcpt", TYPE_MAILBOX, NULL, PHASE_RCPT, FACT_OF_RCPT, FACT_FREE, \
    FACT_TAKES_NOTHING, false, "the recipient") \
X(RCPT_LOCAL, "rcpt.local", TYPE_TEXT, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "before the @") \
X(RCPT_DOMAIN, "rcpt.domain", TYPE_NAME, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_FREE, FACT_TAKES_NOTHING, true, "behind it; none for postmaster alone") \
X(RCPT_COUNT, "rcpt.count", TYPE_INT, NULL, PHASE_RCPT, FACT_OF_RCPT, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "recipients so far, this one included") \
X(MESSAGE_SIZE, "message.size", TYPE_SIZE, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, "octets of the message") \
X(HEADER, "header", TYPE_TEXT, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_BODY, FACT_TAKES_HEADER, true, \
    "the first field of this name, unfolded and decoded") \
X(HEADERS, "headers", TYPE_TEXTS, NULL, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_BODY, FACT_TAKES_HEADER, false, "all fields of this name") \
X(HEADER_COUNT, "header-count", TYPE_INT, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_HEADER, false, "how many there are") \
X(FROM_DOMAIN, "from.domain", TYPE_NAME, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, true, \
    "the author domain; none if there is not exactly one") \
X(FROM_COUNT, "from.count", TYPE_INT, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, "addresses in From") \
X(DKIM, "dkim", TYPE_WORD, dkim_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_BODY, FACT_TAKES_NOTHING, false, "the best of all signatures") \
X(DKIM_DOMAINS, "dkim.domains", TYPE_NAMES, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "the signers whose signature passes") \
X(DKIM_ALIGNED, "dkim.aligned", TYPE_YESNO, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "one of them speaks for the author domain") \
X(DMARC, "dmarc", TYPE_WORD, dmarc_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_BODY, FACT_TAKES_NOTHING, false, "DMARC (RFC 9989)") \
X(DMARC_POLICY, "dmarc.policy", TYPE_WORD, policy_words, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, \
    "what the record asks of this mail, after sp, np and t") \
X(DMARC_DOMAIN, "dmarc.domain", TYPE_NAME, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, true, \
    "the author domain that was looked at") \
X(DMARC_TESTING, "dmarc.testing", TYPE_YESNO, NULL, PHASE_MESSAGE, \
    FACT_OF_MESSAGE, FACT_BODY, FACT_TAKES_NOTHING, false, "its record says t=y") \
X(ARC, "arc", TYPE_WORD, arc_words, PHASE_MESSAGE, FACT_OF_MESSAGE, \
    FACT_BODY, FACT_TAKES_NOTHING, false, "the chain of seals (RFC 8617)") \
X(SCORE, "score", TYPE_NUMBER, NULL, PHASE_CONNECT, FACT_OF_RULES, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "the sum of all scores so far") \
X(SCORES, "scores", TYPE_TEXTS, NULL, PHASE_CONNECT, FACT_OF_RULES, \
    FACT_FREE, FACT_TAKES_NOTHING, false, "their names")
#endif
