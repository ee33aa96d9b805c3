#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/kit/milter_word.h"

/*
 * milter_record -- a filter on sendmail's library that tells what it hears
 *
 *	milter_record SOCKET [WORD...]
 *
 * Prints a line for each call that the library makes: its name, its arguments
 * in [ ], and the macros that have a value then. Control characters are shown
 * as \xNN, a backslash as \\. The words:
 *
 *	STEP=ANSWER	what it answers there, each time: accept, reject,
 *			tempfail, discard, skip, or a reply ("550 5.7.1 no",
 *			with LF between its lines)
 *	STEP:TEXT=ANSWER
 *			only if TEXT is in the first argument; these come first
 *	steps=NUMBER	SMFIP_*; a step with SMFIP_NR_* is not answered
 *	actions=NUMBER	SMFIF_*, instead of all that are offered
 *	version=NUMBER	it was written for a library that old: 2, 3 (unknown
 *			commands), 4 (DATA); it negotiates nothing then
 *	macros:N=LIST	the list for that stage (SMFIM_*)
 *	slow=STEP	it takes SLOW there
 *	edits		one of each kind, at the end of the message
 *	progress	three times, at the end of the message
 *	log=FILE	lines are appended to it; others may write to it too
 *	tag=NAME	lines begin with NAME and the number of the session
 *	octets		the body is shown, not its length and sum
 *
 * STEP is connect, helo, mail, rcpt, data, header, eoh, body, eom, unknown.
 * The edits of milter_word.h are made at the end of the message, in the order
 * in which they are given.
 */
#define SLOW	300000	/* us */

static char		**words;	/* ends with NULL */
static int		  out = STDOUT_FILENO;
static atomic_uint	  sessions;

static const char *const symbols[] = {
	"_", "b", "i", "j", "r", "s", "v", "{auth_authen}", "{auth_author}",
	"{auth_ssf}", "{auth_type}", "{cert_issuer}", "{cert_subject}", "{cipher}",
	"{cipher_bits}", "{client_addr}", "{client_connections}",
	"{client_name}", "{client_port}", "{client_ptr}", "{client_resolve}",
	"{daemon_addr}", "{daemon_name}", "{daemon_port}", "{if_addr}",
	"{if_name}", "{mail_addr}", "{mail_host}", "{mail_mailer}",
	"{msg_id}", "{nbadrcpts}", "{nrcpts}", "{rcpt_addr}", "{rcpt_host}",
	"{rcpt_mailer}", "{tls_version}", "{verify}"
};

/* What stands behind "NAME=" in the word; NULL: it is another. */
static const char *
value_of(const char *w, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(w, name, len) != 0 || (w[len] != '=' && w[len] != '\0'))
		return NULL;
	return w + len + (w[len] == '=');
}

/* NULL: there is no such word. */
static const char *
word(const char *name)
{
	const char *value;

	for (char **w = words; *w != NULL; w++)
		if ((value = value_of(*w, name)) != NULL)
			return value;
	return NULL;
}

/* "STEP:TEXT=ANSWER" whose TEXT is in `text`. */
static const char *
word_about(const char *step, const char *text)
{
	size_t len = strlen(step);
	const char *end, *at;

	for (char **w = words; *w != NULL; w++) {
		if (strncmp(*w, step, len) != 0 || (*w)[len] != ':' ||
		    (end = strchr(*w, '=')) == NULL)
			continue;
		at = *w + len + 1;
		if (memmem(text, strlen(text), at, (size_t)(end - at)) != NULL)
			return end + 1;
	}
	return NULL;
}

/* --- lines --- */

static void
put(FILE *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\\')
			fputs("\\\\", line);
		else if (iscntrl((unsigned char)text[i]))
			fprintf(line, "\\x%02x", (unsigned char)text[i]);
		else
			putc(text[i], line);
}

static void
put_argument(FILE *line, const char *text)
{
	fputs(" [", line);
	put(line, text, strlen(text));
	putc(']', line);
}

/* The number that the library keeps for us until the session ends. */
static unsigned long
session(SMFICTX *c)
{
	unsigned long n = (unsigned long)smfi_getpriv(c);

	if (n == 0) {
		n = ++sessions;
		smfi_setpriv(c, (void *)n);
	}
	return n;
}

static FILE *
line_begin(SMFICTX *c, const char *name, char **text, size_t *len)
{
	FILE *line = open_memstream(text, len);

	if (line == NULL)
		abort();
	if (word("tag") != NULL)
		fprintf(line, "%s%lu ", word("tag"), session(c));
	fputs(name, line);
	return line;
}

/* One write: of several filters at a time no line is torn. */
static void
line_end(FILE *line, char **text, size_t *len)
{
	putc('\n', line);
	fclose(line);
	for (size_t at = 0; at < *len;) {
		ssize_t n = write(out, *text + at, *len - at);

		if (n < 0)
			abort();
		at += (size_t)n;
	}
	free(*text);
}

static void
put_macros(FILE *line, SMFICTX *c)
{
	const char *value;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		value = smfi_getsymval(c, (char *)symbols[i]);
		if (value == NULL)
			continue;
		fprintf(line, " %s=", symbols[i]);
		put(line, value, strlen(value));
	}
}

/* The call and its arguments (NULL behind the last). */
static void
record_list(SMFICTX *c, bool has_macros, const char *name, char **args)
{
	char *text;
	size_t len;
	FILE *line = line_begin(c, name, &text, &len);

	for (; *args != NULL; args++)
		put_argument(line, *args);
	if (has_macros)
		put_macros(line, c);
	line_end(line, &text, &len);
}

static void
record(SMFICTX *c, bool has_macros, const char *name, const char *a,
    const char *b)
{
	char *args[] = { (char *)a, (char *)b, NULL };

	record_list(c, has_macros, name, args);
}

/* --- answers --- */

static sfsistat
give_reply(SMFICTX *c, const char *text)
{
	char code[4] = "", enhanced[12] = "", rest[200] = "", *second;
	int done;

	sscanf(text, "%3s %11s %199[^\001]", code, enhanced, rest);
	second = strchr(rest, '\n');
	if (second != NULL)
		*second++ = '\0';
	done = second == NULL ? smfi_setreply(c, code, enhanced, rest) :
	    smfi_setmlreply(c, code, enhanced, rest, second, NULL);
	if (done != MI_SUCCESS)
		record(c, false, "refused reply", text, NULL);
	return code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* `silent` is the SMFIP_NR_* of the step. */
static sfsistat
answer(SMFICTX *c, const char *step, const char *argument,
    unsigned long silent)
{
	static const struct {
		const char	*name;
		sfsistat	 status;
	} answers[] = {
		{ "accept", SMFIS_ACCEPT }, { "reject", SMFIS_REJECT },
		{ "tempfail", SMFIS_TEMPFAIL }, { "discard", SMFIS_DISCARD },
		{ "skip", SMFIS_SKIP },
	};
	const char *steps = word("steps"), *slow = word("slow"), *text = NULL;

	if (slow != NULL && strcmp(slow, step) == 0)
		usleep(SLOW);
	if (steps != NULL && (strtoul(steps, NULL, 0) & silent) != 0)
		return SMFIS_NOREPLY;
	if (argument != NULL)
		text = word_about(step, argument);
	if (text == NULL)
		text = word(step);
	if (text == NULL)
		return SMFIS_CONTINUE;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].name, text) == 0)
			return answers[i].status;
	return give_reply(c, text);
}

/* --- calls --- */

static sfsistat
on_negotiate(SMFICTX *c, unsigned long f0, unsigned long f1,
    unsigned long f2, unsigned long f3, unsigned long *pf0,
    unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	const char *steps = word("steps"), *actions = word("actions");
	char name[20], offered[2][20];

	(void)f2, (void)f3;
	snprintf(offered[0], sizeof(offered[0]), "0x%lx", f0);
	snprintf(offered[1], sizeof(offered[1]), "0x%lx", f1);
	record(c, false, "negotiate", offered[0], offered[1]);
	*pf0 = actions != NULL ? strtoul(actions, NULL, 0) : f0;
	*pf1 = steps != NULL ? strtoul(steps, NULL, 0) : 0;
	*pf2 = *pf3 = 0;
	for (int stage = SMFIM_FIRST; stage <= SMFIM_LAST; stage++) {
		snprintf(name, sizeof(name), "macros:%d", stage);
		if (word(name) != NULL)
			smfi_setsymlist(c, stage, (char *)word(name));
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *c, char *host, _SOCK_ADDR *from)
{
	char text[INET6_ADDRSTRLEN] = "-", number[12];
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)from;
	struct sockaddr_in *in = (struct sockaddr_in *)from;
	char *args[] = { host, text, number, NULL };
	int port = 0;

	if (from != NULL && from->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		port = ntohs(in->sin_port);
	} else if (from != NULL && from->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		port = ntohs(in6->sin6_port);
	}
	snprintf(number, sizeof(number), "%d", port);
	record_list(c, true, "connect", args);
	return answer(c, "connect", host, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *c, char *name)
{
	record(c, true, "helo", name, NULL);
	return answer(c, "helo", name, SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *c, char **args)
{
	record_list(c, true, "mail", args);
	return answer(c, "mail", args[0], SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *c, char **args)
{
	record_list(c, true, "rcpt", args);
	return answer(c, "rcpt", args[0], SMFIP_NR_RCPT);
}

static sfsistat
on_data(SMFICTX *c)
{
	record(c, true, "data", NULL, NULL);
	return answer(c, "data", NULL, SMFIP_NR_DATA);
}

static sfsistat
on_header(SMFICTX *c, char *name, char *value)
{
	record(c, false, "header", name, value);
	return answer(c, "header", name, SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *c)
{
	record(c, true, "eoh", NULL, NULL);
	return answer(c, "eoh", NULL, SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *c, unsigned char *octets, size_t octets_len)
{
	unsigned long sum = 0;
	char *text;
	size_t len;
	FILE *line = line_begin(c, "body", &text, &len);

	for (size_t i = 0; i < octets_len; i++)
		sum += octets[i];
	if (word("octets") == NULL) {
		fprintf(line, " [%zu] [%lu]", octets_len, sum);
	} else {
		fputs(" [", line);
		put(line, (char *)octets, octets_len);
		putc(']', line);
	}
	line_end(line, &text, &len);
	return answer(c, "body", NULL, SMFIP_NR_BODY);
}

static void
edit_all(SMFICTX *c, char **list)
{
	for (; *list != NULL; list++)
		if (!milter_word_edit(c, *list))
			record(c, false, "refused edit", *list, NULL);
}

static sfsistat
on_eom(SMFICTX *c)
{
	static char *all[] = {
		"add_header=X-Add:a\n\tb", "insert_header:1=X-Ins:i",
		"change_header:2=Subject:s", "change_header:1=X-Gone:",
		"sender=<n@x.example> SIZE=9", "add_rcpt=<p@x.example>",
		"add_rcpt=<q@x.example> NOTIFY=NEVER",
		"delete_rcpt=<b@x.example>", "new_body=new\r\n",
		"quarantine=why", NULL
	};

	record(c, true, "eom", NULL, NULL);
	for (int i = 0; i < 3 && word("progress") != NULL; i++)
		smfi_progress(c);
	if (word("edits") != NULL)
		edit_all(c, all);
	edit_all(c, words);
	return answer(c, "eom", NULL, 0);
}

static sfsistat
on_unknown(SMFICTX *c, const char *line)
{
	record(c, false, "unknown", line, NULL);
	return answer(c, "unknown", line, SMFIP_NR_UNKN);
}

static sfsistat
on_abort(SMFICTX *c)
{
	record(c, false, "abort", NULL, NULL);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *c)
{
	record(c, false, "close", NULL, NULL);
	smfi_setpriv(c, NULL);
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "record", .xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFI_CURR_ACTS, .xxfi_connect = on_connect,
		.xxfi_helo = on_helo, .xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt, .xxfi_header = on_header,
		.xxfi_eoh = on_eoh, .xxfi_body = on_body,
		.xxfi_eom = on_eom, .xxfi_abort = on_abort,
		.xxfi_close = on_close, .xxfi_unknown = on_unknown,
		.xxfi_data = on_data, .xxfi_negotiate = on_negotiate,
	};

	if (argc < 2) {
		fprintf(stderr, "usage: milter_record SOCKET [WORD...]\n");
		return 2;
	}
	words = argv + 2;
	if (word("version") != NULL) {
		filter.xxfi_version = atoi(word("version"));
		filter.xxfi_flags = SMFI_V2_ACTS;
	}
	if (word("log") != NULL)
		out = open(word("log"), O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (out < 0 || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
