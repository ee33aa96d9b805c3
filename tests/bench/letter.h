#ifndef TESTS_BENCH_LETTER_H
#define TESTS_BENCH_LETTER_H
#include <stdbool.h>
#include <stddef.h>
/*
 * letter -- who sends what, made before the first octet goes out
 *
 * Letters differ in their sender and, if asked, in the client that brings
 * them and in their signature. The body is the same for all, and so is the
 * header but for the sender's domain: each costs its receiver the same.
 *
 * Memory    for the life of the program.
 * Errors    a message on stderr and exit 100 or 111.
 */
struct letter {
	const char	*xclient;	/* whole commands, with CRLF; NULL: */
	const char	*hello;		/* the client says who it is itself */
	const char	*mail;
	const char	*head;		/* fields, without the empty line */
	size_t		 nhead;
};

struct letters {
	size_t		 n;
	struct letter	*all;
	const char	*body;
	size_t		 nbody;
};

struct letter_options {
	size_t		 n;		/* different senders */
	size_t		 size;		/* octets of a message */
	const char	*domain;	/* number N is the client 198.18.0.0
					   plus N and sends for dN.<domain>;
					   NULL: all for bench.example */
	unsigned	 first;		/* the number of the first */
	const char	*key;		/* a PEM file: a DKIM signature of the
					   domain, selector s; NULL: none */
	bool		 has_chain;	/* an ARC set by this key, too */
};

/* A Message-ID field and the empty line are not in head: so many octets of
 * the size are kept for them. */
#define LETTER_ID	52

struct letters	letters_write(const struct letter_options *o);
#endif
