"""What a filter, its clients and its backend see otherwise than with Postfix.

The one table: a dialogue in which something else differs fails, and so does a
row that no dialogue shows. docs/milters.md has the same table without the
patterns (test_milters_compared.py holds the two together).
"""
import re


class Difference:
    """`patterns` match whole lines of kit/compared.py, in dialogues whose name
    is like `where`."""

    def __init__(self, what, postfix, forepost, why, *patterns, where=".*"):
        self.cells = what, postfix, forepost, why
        self.patterns = [re.compile(p, re.S) for p in patterns]
        self.where = re.compile(where)

    def explains(self, dialogue, line):
        return self.where.fullmatch(dialogue) is not None and any(
            p.fullmatch(line) for p in self.patterns)


LATE = "by default: "		# dialogues with `tell_at rcpt`

GROUPS = [
    ("When a filter is told", [
        Difference(
            "Clients that get no recipient, with the default `tell_at rcpt`",
            "told", "not told",
            "The filter need not be asked about mail that is refused "
            "anyway. With the first recipient who was taken it hears "
            "connection, HELO, MAIL and RCPT one after the other",
            r"told: (negotiate|connect|helo|mail|rcpt|abort|close)"
            r".* -> nothing",
            where=LATE + "(all recipients .*|nothing but QUIT|leaves .*)"),
        Difference(
            "What came before the first recipient who was taken: other HELOs "
            "than the last, unknown commands, refused recipients", "told",
            "not told, with the default `tell_at rcpt`",
            "The filter hears what the client is now",
            r"told: (helo \[client\.test\]|unknown .*|"
            r"rcpt \[<no@box\.test>\]) -> nothing",
            where=LATE + "(HELO twice|unknown .*|a refused .* told)"),
        Difference(
            "Refusals of connection, HELO and MAIL, by default",
            "the greeting is 554, MAIL is refused",
            "each RCPT is refused",
            "`reject_at rcpt`, as for refusals of rules: the log has sender "
            "and recipients",
            r"reply to connect: (554|421) -> 220",
            r"reply to EHLO: nothing -> 250",
            r"reply to MAIL: (550 5.7.9 .*|nothing) -> (250 2.1.0|503 5.5.1)",
            r"reply to RCPT: (503 5.5.1|nothing) -> "
            r"(550 5.7.9|421 4.7.8) .* \[ID\]",
            r"told: mail \[<a@sender.test>\] -> nothing",
            where=LATE + ".* at (connect|helo|mail)"),
        Difference(
            "Refusals of connection and HELO, with `reject_at connect`",
            "the greeting is 554 without a reason, EHLO is 250, MAIL is "
            "refused",
            "the greeting or the reply to EHLO is the refusal; a temporary "
            "one in place of the greeting is 421 and closes",
            "The client hears it where the filter said it. Behind such a "
            "greeting or EHLO there is nothing but 503",
            r"reply to connect: 554 -> 554 the filter says no \[ID\]",
            r"reply to connect: 421 -> 421 the filter closes \[ID\]",
            r"reply to connect: 220 -> 421",
            r"reply to EHLO: 250 -> (503 5.5.1|451 4.7.1|550 5.7.1|nothing|"
            r"550 5.7.9 the filter says no \[ID\])",
            r"reply to MAIL: (550|451) .* -> (503 5.5.1|nothing)",
            r"reply to (RCPT|DATA): 503 5.5.1 -> nothing",
            r"reply to QUIT: 221 2.0.0 -> nothing",
            r"reply to closed: nothing -> closed",
            where=r".* at (connect|helo)|.*refuses (the client|EHLO)|EHLO .*"),
        Difference(
            "Several filters at one step, RCPT apart",
            "one after the other; those behind a refusal are not told, those "
            "in front of it hear more of the client",
            "all at the same time; nobody hears more behind a refusal",
            "A client waits for the slowest filter, not for their sum",
            r"told: nothing -> (negotiate|connect|helo|mail|data|abort|close)"
            r".*",
            r"told: (helo \[client.test\]|mail \[<a@sender.test>\]|abort) -> "
            r"nothing",
            where="the (first|second) refuses (the client|EHLO|MAIL|DATA)"),
        Difference(
            "A message, to filters that negotiated no changes",
            "one after the other", "at the same time",
            "They all see the same",
            r"order: aeoh aeom beoh beom -> .*",
            where="two filters that may change nothing"),
        Difference(
            "XCLIENT: the proxy itself", "told, until XCLIENT comes",
            "not told, unless it sends mail of its own",
            "It is not the client. Filters judge whom it tells of",
            r"told: (negotiate .*|connect \[\[127\.0\.0\.1\]\].*|"
            r"helo \[client.test\]|close) -> nothing",
            where="XCLIENT.*|each macro.*"),
        Difference(
            "XCLIENT: the connection to the filter", "a new one",
            "the one that is there, if the filter can do that",
            "As for any next client: version 6 has a word for it",
            r"told: negotiate .* -> nothing", where="XCLIENT behind a mail"),
        Difference(
            "XCLIENT without PORT", "the proxy's port", "port 0",
            "Nobody knows the client's",
            r"told: connect (.*) \[PORT\] -> connect \1 \[0\]",
            where="XCLIENT.*"),
    ]),
    ("What it is told", [
        Difference(
            "The name of an IPv6 client who has none", "`[2001:db8::7]`",
            "`[IPv6:2001:db8::7]`", "The address literal, as from sendmail",
            r"told: connect \[\[(\S+)\]\] (.*) \[PORT\] -> "
            r"connect \[\[IPv6:\1\]\] \2 \[0\]"),
        Difference(
            "A line that is no command", "its first word", "the whole line",
            "As sendmail does; there is nothing to hide",
            r"told: unknown \[(\w+)\] -> unknown \[\1 .*\]"),
        Difference(
            "HELP", "told as unknown", "not told", "It is known here",
            r"told: unknown \[HELP\] -> nothing",
            r"reply to HELP: 500 5.5.2 -> 214 2.0.0"),
        Difference(
            "Source routes (`<@a,@b:user@domain>`)", "told as they came",
            "not told, the address alone",
            "They mean nothing any more (RFC 5321 appendix C)",
            r"told: (mail|rcpt) \[<@.*:(.*)>\] -> \1 \[<\2>\]"),
        Difference(
            "A space before the colon of a field",
            "removed from the message too", "the message keeps it",
            "Nothing is changed that was not asked for. The filter hears the "
            "name without it from both",
            r"message: Subject: x -> nothing",
            r"message: nothing -> Subject : x"),
        Difference(
            "A line in the header that is no field",
            "ends the header; an empty line is put in front of it",
            "is passed over; what follows is still header, and the message "
            "is not changed",
            "The backend may take what follows for header fields, so the "
            "filter has to see them",
            r"told: body .* -> body \[6\] \[476\]",
            r"told: nothing -> header \[(To|X)\] .*",
            r"message:  -> nothing",
            where="a line that is no field|an empty name"),
        Difference(
            "`From ` as the first line", "becomes a field X-Mailbox-Line",
            "no header, all is body",
            "What is no field is not made one",
            r"told: header \[X-Mailbox-Line\] .* -> nothing",
            r"told: header \[Subject\] \[x\] -> nothing",
            r"told: body \[6\] .* -> body \[56\] .*",
            r"message: X-Mailbox-Line: From .* -> nothing",
            r"message: nothing -> From .*", r"message: nothing -> ",
            where="From_ line"),
        Difference(
            "Return-Path, Bcc and Content-Length",
            "removed, neither told nor sent on",
            "told and sent on as they came",
            "A gateway has no business in them",
            r"(told: nothing -> header \[|message: nothing -> )"
            r"(Return-Path|Bcc|Content-Length)\b.*"),
        Difference(
            "A field of more than 60,000 octets",
            "cut in the message",
            "whole, up to 65,535 octets with its name; more is a failure of "
            "the filter, which cannot be told",
            "No field is told that is not the one that goes on",
            r"told: header \[X-Folded\] .* -> header \[X-Folded\] .*",
            r"message: nothing ->  b.*", where="a field near the limit.*"),
        Difference(
            "A field of more than 65,535 octets", "cut at 60,000",
            "the mail is refused with 552 5.3.4, whatever `failure_message` is",
            "See above; and a sender must not choose that a filter is passed "
            "over",
            r"told: (header|eoh|body|eom).* -> nothing",
            r"told: nothing -> abort",
            r"reply to \.: 250 2.0.0 -> 552 5.3.4",
            r"copies for <b@box.test>: 1 -> 0",
            where="a field above the limit.*"),
        Difference(
            "NUL in a message",
            "the value of a field ends there, for the message too",
            "the message is refused before filters hear of it",
            "Readers disagree on what it means (RFC 5322 4)",
            r"told: (header|eoh|body|eom).* -> nothing",
            r"told: nothing -> abort",
            r"reply to \.: 250 2.0.0 -> 550 5.6.0",
            r"reply to (QUIT|closed): .*",
            r"copies for <b@box.test>: 1 -> 0", where="NUL .*"),
        Difference(
            "The last line of a BDAT message, without its line end",
            "told with CRLF", "told as it came",
            "The octets are the client's; the line is completed only for a "
            "backend that has to be given DATA",
            r"told: body \[8\] \[587\] -> body \[6\] \[564\]",
            where="BDAT without .*"),
    ]),
    ("Macros", [
        Difference(
            "`i`", "the queue file's, from the second recipient or DATA on",
            "from the connection on: the id of the session in log and "
            "Received, of a mail with its number behind it",
            "Nothing is queued, and filters that log it have it at once",
            r"macro i at (connect|helo|mail|rcpt): nothing -> ID"),
        Difference(
            "`v`", "Postfix and its version", "Forepost and its version",
            "That is its meaning",
            r"macro v at \w+: Postfix .* -> Forepost .*"),
        Difference(
            "`{daemon_name}`", "the host's name, or one that is set",
            "the name of the listener",
            "As sendmail's daemons have names: filters tell by it where mail "
            "comes in",
            r"macro \{daemon_name\} at \w+: gw\.e2e\.test -> "
            r"(mx|two|ipv6|proxy|late)"),
        Difference(
            "`{client_addr}`, `{client_name}`, `{client_port}`, "
            "`{client_ptr}`", "if a filter or a setting asks for them",
            "always, at the connection",
            "Most filters want them, and do not ask",
            r"macro \{client_(addr|name|port|ptr)\} at \w+: nothing -> .*"),
        Difference(
            "`{if_addr}`, `{if_name}`", "never",
            "the address that the client came to, and our name",
            "sendmail gives them", r"macro \{if_(addr|name)\} at \w+: "
            r"nothing -> .*"),
        Difference(
            "`b`, `r`, `s`", "never", "the date, the protocol (`ESMTP`) and "
            "the name in HELO, at MAIL", "sendmail gives them",
            r"macro [brs] at (mail|eom): nothing -> "
            r"(DATE|(UTF8|E)?SMTPS?A?|\S+\.test|\[127\.0\.0\.1\])"),
        Difference(
            "`{mail_host}`", "where mail to the sender would go",
            "the domain of the sender, empty for `<>`",
            "A gateway has no route for him",
            r"macro \{mail_host\} at \w+: \[127.0.0.1\]:PORT -> "
            r"(sender\.test|Sender\.TEST|)"),
        Difference(
            "`{rcpt_host}`, `{rcpt_mailer}`",
            "the next host, and the transport's name",
            "the backend's name, and `smtp`, `lmtp` or `local`",
            "That is where he goes; a backend may be several hosts",
            r"macro \{rcpt_host\} at \w+: \[127.0.0.1\]:PORT -> in",
            r"macro \{rcpt_mailer\} at \w+: relay -> smtp"),
        Difference(
            "`{rcpt_addr}` of a refused recipient",
            "the reply, behind what kind of check refused him",
            "the reply's text",
            "Only the text differs, as the reply to the client does",
            r"macro \{rcpt_addr\} at rcpt: Recipient address rejected: (.*) "
            r"-> \1"),
        Difference(
            "`{mail_addr}`, `{rcpt_addr}`",
            "in lower case, needless quotes removed, a domain added",
            "as the client wrote it, without `<` and `>`",
            "Which of these are the same mailbox only the backend knows",
            r"macro \{(mail|rcpt)_addr\} at (mail|rcpt): .*",
            where="odd addresses|postmaster .*"),
        Difference(
            "`{msg_id}`", "never", "the Message-ID, at the end",
            "sendmail gives it", r"macro \{msg_id\} at (eoh|eom): nothing -> "
            r"<1@sender\.test>"),
        Difference(
            "`{nrcpts}`, `{nbadrcpts}`, if a filter asks for them", "never",
            "how many recipients there are, taken and refused",
            "sendmail gives them",
            r"macro \{(nrcpts|nbadrcpts)\} at \w+: nothing -> \d"),
        Difference(
            "`{rcpt_addr}` behind RCPT, if a filter asks for it there",
            "the first recipient", "the last one",
            "It is the one that the filter was told of last",
            r"macro \{rcpt_addr\} at data: b@box\.test -> c@box\.test",
            where="each macro .*"),
        Difference(
            "`{auth_authen}`, `{auth_type}`, if a filter asks for them at the "
            "connection", "there if XCLIENT told them", "at MAIL",
            "Who logs in is known for a mail",
            r"macro \{auth_(authen|type)\} at connect: \w+ -> nothing",
            where="each macro .*"),
        Difference(
            "`{client_connections}`, if a filter asks for it",
            "0 for clients whose number has no limit", "all are counted",
            "The number is known, whether it has a limit or not",
            r"macro \{client_connections\} at connect: 0 -> 1"),
        Difference(
            "Stages for which a filter gave no list, when it gave others",
            "no macros", "the usual ones", "As sendmail does",
            r"macro (i|v|_|\{daemon_\w+\}|\{mail_\w+\}|\{rcpt_\w+\}) at "
            r"(helo|mail|rcpt|data|eoh): nothing -> .*",
            where="lists of macros"),
    ]),
    ("Edits and verdicts", [
        Difference(
            "Replies of filters", "as the filter wrote them",
            "with the session's id at the end",
            "As all refusals: who reports one gives the line in the log",
            r"reply to (\S+): (.*filter.*) -> \2 \[ID\]"),
        Difference(
            "The mail behind a refusal of DATA",
            "is still there until RSET: the next MAIL is refused",
            "is over", "The filter takes it to be over too",
            r"reply to MAIL: 503 5.5.1 -> 250 2.1.0",
            r"told: nothing -> (mail .*|abort)",
            where="MAIL behind a refusal of DATA"),
        Difference(
            "A recipient is added who is there", "he gets two copies",
            "he gets one", "He is a recipient already",
            r"copies for <b@box.test>: 2 -> 1",
            where="a recipient is added who is there"),
        Difference(
            "A recipient is deleted, in another case than the client wrote",
            "stays", "is deleted",
            "The filter means him; no two mailboxes differ in nothing else",
            r"copies for <c@box.test>: 1 -> 0",
            where="a recipient is deleted in another case"),
        Difference(
            "Another edit between two parts of a new body",
            "451, the mail is refused for now", "the parts are one body",
            "What is meant is clear",
            r"reply to \.: 451 4.3.5 -> 250 2.0.0",
            r"copies for .*: 0 -> 1",
            where="a new body, a field, and more body"),
        Difference(
            "Quarantine", "the mail is put on hold in the queue",
            "the mail goes to the backend that `quarantine` names, or else "
            "to its own, with a field that says why",
            "There is no queue",
            r"copies for .*: 0 -> 1", where="quarantine"),
    ]),
    ("What has nothing to do with filters, but shows in the same dialogues", [
        Difference(
            "MAIL without HELO", "taken", "503, so no filter is told",
            "RFC 5321 4.1.4",
            r"told: (mail|rcpt|abort).* -> nothing",
            r"reply to MAIL: 250 2.1.0 -> 503 5.5.1",
            r"reply to RCPT: 250 2.1.5 -> 503 5.5.1",
            where="no HELO|commands in the wrong order"),
        Difference(
            "DATA without a recipient", "554", "503", "RFC 5321 4.1.1.4 "
            "has both", r"reply to DATA: 554 5.5.1 -> 503 5.5.1"),
        Difference(
            "Syntax that is refused", "other codes", "other codes",
            "The same first digit",
            r"reply to (MAIL|RCPT): 501 5\.1\.\d -> (501 5.5.4|553 5.1.3)",
            r"reply to VRFY: 252 2.0.0 -> 252 2.5.2"),
        Difference(
            "Quoted local parts",
            "needless quotes are removed; a quoted @ is refused as a route",
            "passed on as they came",
            "See `{rcpt_addr}`",
            r"copies for <(\"?\w+\"?|\"x@y\")@box.test>: (0 -> 1|1 -> 0)",
            r"reply to RCPT: 554 5.7.1 -> 250 2.1.5",
            r"told: nothing -> rcpt \[<\"x@y\"@box.test>\]",
            where="odd addresses"),
        Difference(
            "RCPT TO:<postmaster>", "a domain is added",
            "passed on as it came", "It is the backend's postmaster",
            r"copies for <postmaster.*", where="postmaster .*"),
        Difference(
            "The same recipient twice", "one copy",
            "said to the backend twice", "It decides",
            r"copies for <b@box.test>: 1 -> 2", where="a recipient twice"),
        Difference(
            "Lines of more than 998 octets", "broken on the way out",
            "passed on as they came", "Signatures stay good",
            r"message: .*l.* -> nothing", r"message: nothing -> l.*",
            where="a long line"),
        Difference(
            "A message without header and body",
            "no empty line behind our trace field", "an empty line",
            "RFC 5322 3.5", r"message: nothing -> ",
            where="an empty message"),
    ]),
]
DIFFERENCES = [d for _, rows in GROUPS for d in rows]


def page():
    """The tables as docs/milters.md has them."""
    out = []
    for title, rows in GROUPS:
        out += ["### " + title, "", "| | Postfix | Forepost | Why |",
                "|---|---|---|---|"]
        out += ["| " + " | ".join(c for c in row.cells) + " |"
                for row in rows]
        out.append("")
    return "\n".join(out)
