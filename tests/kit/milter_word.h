#ifndef TESTS_KIT_MILTER_WORD_H
#define TESTS_KIT_MILTER_WORD_H
#include <libmilter/mfapi.h>
#include <stdbool.h>
/*
 * milter_word -- an edit that a filter on sendmail's library is told to make
 *
 *	add_header=NAME:VALUE		insert_header:N=NAME:VALUE
 *	change_header:N=NAME:VALUE	(no VALUE: it is deleted)
 *	sender=ADDR [ARGS]		add_rcpt=ADDR [ARGS]
 *	delete_rcpt=ADDR		quarantine=WHY
 *	new_body=TEXT			long_body=OCTETS (in lines of 64)
 *
 * To be called at the end of the message.
 */
/* False: the library does not take it. Other words are passed over. */
bool	milter_word_edit(SMFICTX *c, const char *word);
#endif
