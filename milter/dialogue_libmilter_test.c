#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "milter/dialogue.h"
#include "tests/kit/milter_drive.h"
#include "tests/kit/t.h"

/*
 * What a filter on sendmail's own library hears of a dialogue: each call, its
 * arguments, and the macros that it can see then (tests/kit/milter_record.c).
 */
#define WORDS		4
#define OFFER		"negotiate [0x1ff] [0x1fffff]\n"
#define TIME		(20 * CLOCK_S)
#define PATIENCE	20	/* s, for it to start and to end */

static char folder[] = "/tmp/libmilter-test-XXXXXX";
static char record_path[PATH_MAX], socket_path[60], log_path[60];

static const struct {
	const char	*name, *words[WORDS], *drive, *want, *heard;
} cases[] = {
	{ "a whole mail", { NULL }, "CHUMRRTLLNBE",
	    "CHUMRRTLLNBE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\nunknown [XYZ]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "header [Subject] [hi]\nheader [Subject] [hi]\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "body [65535] [8196370]\nbody [65535] [8217932]\n"
	    "body [18930] [2376189]\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "another mail", { NULL }, "CMRTNEMRTNE",
	    "CMRTNEMRTNE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "RSET", { NULL }, "CHMRAMRA",
	    "CHMRAMRA",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nmail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "the client goes in a mail", { NULL }, "CHMR",
	    "CHMR",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "the next client", { NULL }, "CHMREKCHMRE",
	    "CHMREKCHMRE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n"
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "the next client, behind RSET and an unknown command", { NULL },
	    "CMREAUKCM",
	    "CMREAUKCM",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\n"
	    "unknown [XYZ]\nclose\n"
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\nabort\n"
	    "close\n" },
	{ "no next client in a mail", { NULL }, "CHMRK",
	    "CHMR no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "no next client behind HELO", { NULL }, "CMREHK",
	    "CMREH no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\n"
	    "helo [c.example] i=1 j=mx\nclose\n" },
	{ "no next client behind a refusal", { "eom=reject" }, "CMREK",
	    "CMRE(reject) no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "no next client behind an acceptance", { "eom=accept" }, "CMREK",
	    "CMRE(accept) no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "the next client, and no connect", { "steps=0x1" }, "CHMREKCHMRE",
	    "CHMREKCHMRE",
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "nothing is answered", { "steps=0x000ff080" }, "CHUMRTLNBE",
	    "CHUMRTLNBE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\nunknown [XYZ]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "header [Subject] [hi]\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "body [65535] [8196370]\nbody [65535] [8217932]\n"
	    "body [18930] [2376189]\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "nothing is told", { "steps=0x0000037f" }, "CHUMRTLNBE",
	    "CHUMRTLNBE",
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "the space behind the colon", { "steps=0x00100000" }, "CMRTLNE",
	    "CMRTLNE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "header [Subject] [ hi]\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "lists of macros", { "macros:2=i", "macros:5=i {mail_addr}" },
	    "CHMRE",
	    "CHMRE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx\n"
	    "rcpt [<b@x.example>] i=1 j=mx {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {rcpt_addr}=b\nclose\n" },
	{ "enough of the body", { "steps=0x400", "body=skip" }, "CMRTNBE",
	    "CMRTNBE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "body [65535] [8196370]\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "accepted at connect", { "connect=accept" }, "CHMRTNEK",
	    "C(accept)H(accept)M(accept)R(accept)T(accept)N(accept)E(accept"
	    ") no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\nclose\n" },
	{ "accepted at HELO", { "helo=accept" }, "CHMK",
	    "CH(accept)M(accept) no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\nclose\n" },
	{ "refused at MAIL", { "mail=550 5.7.1 no" }, "CHMRAM",
	    "CHM(550 5.7.1 no)R(550 5.7.1 no)AM(550 5.7.1 no)",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\nclose\n" },
	{ "refused at RCPT", { "rcpt=450 4.7.1 later" }, "CMRRTNE",
	    "CMR(450 4.7.1 later)R(450 4.7.1 later)TNE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "accepted at RCPT", { "rcpt=accept" }, "CMRRTEMA",
	    "CMR(accept)R(accept)T(accept)E(accept)MA",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\nabort\n"
	    "close\n" },
	{ "discarded at RCPT", { "rcpt=discard" }, "CMREMA",
	    "CMR(discard)E(discard)MA",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nmail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "abort\nclose\n" },
	{ "refused at connect", { "connect=tempfail" }, "CHMAMK",
	    "C(tempfail)H(tempfail)M(tempfail)AM(tempfail) no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\nclose\n" },
	{ "refused at HELO", { "helo=550 5.7.1 no" }, "CHMAM",
	    "CH(550 5.7.1 no)M(550 5.7.1 no)AM(550 5.7.1 no)",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "helo [c.example] i=1 j=mx\nclose\n" },
	{ "refused in the header", { "header=reject" }, "CMRTLLAMR",
	    "CMRTL(reject)L(reject)AMR",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "header [Subject] [hi]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "refused in the body", { "body=tempfail" }, "CMRTNBEAMR",
	    "CMRTNB(tempfail)E(tempfail)AMR",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "data i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eoh i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "body [65535] [8196370]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "refused at the end", { "eom=reject", "edits" }, "CMREMR",
	    "CMRE(reject)MR",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "abort\nclose\n" },
	{ "progress", { "progress" }, "CMRE",
	    "CMRE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "edits", { "edits" }, "CMRE",
	    "CMRE <add header> <insert header> <change header> <delete "
	    "header> <change sender> <add recipient> <add recipient> "
	    "<delete recipient> <quarantine> <body of 5>new\r\n",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "an unknown command is refused", { "unknown=reject" }, "CUMURE",
	    "CU(reject)MU(reject)RE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\nunknown [XYZ]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "unknown [XYZ]\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "an unknown command in a mail accepts it", { "unknown=accept" },
	    "CMRUREMRE",
	    "CMRU(accept)R(accept)E(accept)MRE",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "unknown [XYZ]\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\nclose\n" },
	{ "no next client behind an unknown command that is accepted",
	    { "unknown=accept" }, "CMREUK",
	    "CMREU(accept) no-nextK",
	    "connect [c.example] [192.0.2.1] [25] i=1 j=mx\n"
	    "mail [<a@x.example>] [SIZE=1] i=1 j=mx {mail_addr}=a\n"
	    "rcpt [<b@x.example>] i=1 j=mx {mail_addr}=a {rcpt_addr}=b\n"
	    "eom i=1 j=mx {mail_addr}=a {msg_id}=m {rcpt_addr}=b\n"
	    "unknown [XYZ]\nclose\n" },
};

/* --- the filter --- */

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* Beside this test in the build tree. */
static void
find_record(void)
{
	static char self[PATH_MAX - 40];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	need(len > 0, "/proc/self/exe");
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(record_path, sizeof(record_path),
	    "%s/../tests/kit/milter_record", self);
	need(access(record_path, X_OK) == 0, record_path);
}

static pid_t
start_filter(const char *const words[WORDS])
{
	char *argv[WORDS + 3] = { record_path, socket_path };
	pid_t parent = getpid(), pid;

	for (size_t i = 0; i < WORDS; i++)
		argv[i + 2] = (char *)words[i];
	unlink(socket_path);
	pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || freopen(log_path, "w",
		    stdout) == NULL)
			_exit(1);
		execv(record_path, argv);
		_exit(127);
	}
	for (unsigned i = 0; access(socket_path, F_OK) != 0; i++) {
		need(i < PATIENCE * 100, "the filter does not start");
		usleep(10000);
	}
	return pid;
}

static const char *
read_log(void)
{
	static char text[8192];
	FILE *log = fopen(log_path, "r");
	size_t len;

	need(log != NULL, log_path);
	len = fread(text, 1, sizeof(text) - 1, log);
	fclose(log);
	text[len] = '\0';
	return text;
}

/* It has been told that we go, and says so when it has come to that. */
static const char *
end_filter(pid_t pid)
{
	const char *text, *last;

	for (unsigned i = 0; i < PATIENCE * 100; i++) {
		text = read_log();
		last = strlen(text) < 6 ? "" : text + strlen(text) - 6;
		if (strcmp(last, "close\n") == 0)
			break;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return text;
}

/* --- the dialogue --- */

static struct span	 macros[MACRO_COUNT];
static const char	*drive;
static struct buf	 shown;

static MAY_YIELD void
run(void *arg)
{
	struct dialogue_conf conf = { .name = "record", .connect_time = TIME,
	    .command_time = TIME, .body_time = TIME, .end_time = TIME,
	    .most_time = TIME, .body_most = 1000, .spool_dir = folder };
	char text[80];
	struct err err;

	(void)arg;
	snprintf(text, sizeof(text), "unix:%s", socket_path);
	addr_parse(span_z(text), &conf.addr, &err);
	milter_drive(&conf, macros, drive, &shown);
	buf_put(&shown, "", 1);
}

/* The socket is there a moment before the filter listens. */
static void
play_when_up(void)
{
	static const char early[] = "unavailable: milter record: connect: ";

	for (unsigned i = 0; i < PATIENCE * 100; i++) {
		buf_clear(&shown);
		fiber_spawn("dialogue", run, NULL);
		while (fiber_count() > 0)
			loop_turn(true);
		if (strncmp(shown.p, early, sizeof(early) - 1) != 0)
			return;
		usleep(10000);
	}
}

static void
play(size_t i)
{
	pid_t pid = start_filter(cases[i].words);
	const char *heard;

	drive = cases[i].drive;
	play_when_up();
	T_STR(cases[i].name, shown.p, cases[i].want);
	heard = end_filter(pid);
	if (strncmp(heard, OFFER, strlen(OFFER)) == 0)
		heard += strlen(OFFER);
	else
		T_STR(cases[i].name, heard, OFFER);
	T_STR(cases[i].name, heard, cases[i].heard);
}

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	find_record();
	need(mkdtemp(folder) != NULL, folder);
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(log_path, sizeof(log_path), "%s/log", folder);
	macros[MACRO_I] = SPAN_LIT("1");
	macros[MACRO_J] = SPAN_LIT("mx");
	macros[MACRO_MAIL_ADDR] = SPAN_LIT("a");
	macros[MACRO_RCPT_ADDR] = SPAN_LIT("b");
	macros[MACRO_MSG_ID] = SPAN_LIT("m");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		play(i);
	unlink(socket_path);
	unlink(log_path);
	rmdir(folder);
	buf_free(&shown);
	loop_destroy();
	return t_done();
}
