#ifndef GATEWAY_SECRET_H
#define GATEWAY_SECRET_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * secret -- a password or token that stands in the first line of a file
 *
 * To be read before the process becomes somebody who may not.
 *
 * Errors    ERR_UNAVAIL, ERR_CONFIG: "token_file /x: its first line is empty".
 * Limits    SECRET_MAX octets, none of them NUL.
 */
#define SECRET_MAX	1024

/* `setting` is the one that names the file. NULL: err. */
const char	*secret_read(struct arena *a, const char *setting,
		    const char *path, struct err *err);
/* That of token_file, which has to fit into a header field: one that could not
 * be sent would let nobody in, and not say why. */
const char	*secret_token(struct arena *a, const char *path,
		    struct err *err);
/* Nothing of it stays anywhere but in `to`, which has SECRET_MAX + 1 octets. */
void		 secret_move(char *to, char *from);
/* In a time that does not depend on where they differ. */
bool		 secret_is(struct span given, const char *secret);
#endif
