#ifndef CONF_PARSE_H
#define CONF_PARSE_H
#include "base/lexer.h"
#include "conf/reading.h"
/*
 * parse -- the grammar of forepost.conf, from tokens to assign()
 *
 *	file	= { setting | block | include }
 *	block	= name [ label ] "{" { setting } "}"
 *	setting	= name value...		to the end of the line or, in a block,
 *					to the next setting's name or "}"
 *
 * parse.c has files and settings, parse_block.c the blocks. After an error
 * reading goes on where the next setting may begin, so that one mistake gives
 * one message.
 */

/* One file while it is read. */
struct file {
	struct reading	*r;
	const struct token *t;		/* next token */
	const char	*name;		/* as shown */
	const char	*dir;		/* absolute */
	const struct file *parent;	/* that includes it */
};

/* One block while it is read; the top level is one. */
struct frame {
	enum scope	 scope;
	void		*object;	/* directive_field() wants it */
	struct origin	*origin;
	const struct block *block;	/* NULL: top level */
};

/* A word or a string. */
bool		 parse_is_value(const struct token *t);
/* The text of a token in a message; a long one is cut. */
const char	*parse_show(struct file *f, const struct token *t);
/* What stands between { and }, or in a whole file. */
void		 parse_settings(struct file *f, const struct frame *frame,
		    struct place opened);
/* A block, from its name to its }. */
void		 parse_block(struct file *f, const struct block *block);
#endif
