#ifndef GATEWAY_BOARD_H
#define GATEWAY_BOARD_H
#include <stdint.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * board -- the last text that a process has published, for others to read
 *
 * It lies in memory that processes share. One writer, any number of readers,
 * nobody waits: a reader that meets a writer tries again, BOARD_TRIES times,
 * and then does without. Who is killed while he writes leaves a board that
 * nobody can read until the next one in his place has written.
 *
 * A zeroed board has no text.
 *
 * Limits    BOARD_TEXT octets; what is longer is cut. A length that is read is
 *           not trusted: another process wrote it.
 * Tested    board_test.c, with writers that are killed
 */
#define BOARD_TEXT	(64 * 1024)
#define BOARD_TRIES	8

struct board {
	uint64_t	sequence;	/* odd: being written */
	uint64_t	length;
	uint64_t	words[BOARD_TEXT / 8];
};

/* An empty text: there is nothing to read any more. */
void	board_write(struct board *b, struct span text);
/* Puts the text behind what is in *out. -1: there is none, or it changes all
 * the time; *out is as it was. */
int	board_read(const struct board *b, struct buf *out);
#endif
