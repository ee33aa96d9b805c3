#include <stdio.h>

#include "base/buf.h"
#include "base/loop.h"
#include "tests/kit/arc_trial.h"
#include "tests/kit/t.h"

/* Everything that is decided without a key. */
#define AAR(i)		"ARC-Authentication-Results: i=" i "; x.example\r\n"
#define BH		"bh=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#define AMS_(i, more)	"ARC-Message-Signature: i=" i "; a=rsa-sha256; " \
	"d=x.example; s=s; h=from; b=YQ==; " more "\r\n"
#define AMS(i)		AMS_(i, BH)
#define AS_(i, cv, more) "ARC-Seal: i=" i "; cv=" cv "; a=rsa-sha256; " \
	"d=x.example; s=s; b=YQ==" more "\r\n"
#define AS(i, cv)	AS_(i, cv, "")
#define SET(i, cv)	AS(i, cv) AMS(i) AAR(i)
#define SEAL		"i=1: ARC-Seal: "
#define MESSAGE		"i=1: ARC-Message-Signature: "
#define NO_KEY		MESSAGE "the body was changed"	/* looked at */

static const struct {
	const char *name, *header, *want;
} structures[] = {
	{ "no sets", "From: a@x.example\r\n", "no ARC sets" },
	{ "names alike", "X-ARC-Seal: i=1\r\nARC-Seals: i=1\r\n",
	    "no ARC sets" },
	{ "whole", SET("1", "none"), NO_KEY },
	{ "order of fields is free", AAR("1") AS("1", "none") AMS("1"),
	    NO_KEY },
	{ "order of sets is free", SET("1", "none") SET("2", "pass"),
	    "i=2: ARC-Message-Signature: the body was changed" },
	{ "names in any case", "arc-seal : i=1; cv=none; a=rsa-sha256; "
	    "d=x; s=s; b=YQ\r\n" AMS("1") AAR("1"), NO_KEY },
	{ "cv in any case", SET("1", "None"), NO_KEY },
	{ "two digits", SET("01", "none"), NO_KEY },
	{ "comments before i=", AS("1", "none") AMS("1")
	    "ARC-Authentication-Results: (a (b\\)) c)\r\n i (x) = 1 ; x\r\n",
	    NO_KEY },

	{ "failed before", SET("1", "fail"),
	    "i=1: its sealer found the chain broken" },
	{ "the newest failed, older missing", AS("2", "fail") AS("1", "none"),
	    "i=2: its sealer found the chain broken" },
	{ "an older one failed", SET("3", "pass") SET("2", "fail")
	    SET("1", "none"), "i=2: ARC-Seal without cv=pass" },
	{ "first says pass", SET("1", "pass"),
	    "i=1: ARC-Seal without cv=none" },
	{ "second says none", SET("2", "none") SET("1", "none"),
	    "i=2: ARC-Seal without cv=pass" },
	{ "unknown cv", SET("1", "maybe"), "i=1: ARC-Seal without cv=none" },
	{ "no seal", AMS("1") AAR("1"), "i=1: ARC-Seal is missing" },
	{ "no message signature", AS("1", "none") AAR("1"),
	    "i=1: ARC-Message-Signature is missing" },
	{ "no results", AS("1", "none") AMS("1"),
	    "i=1: ARC-Authentication-Results is missing" },
	{ "gap", SET("1", "none") SET("3", "pass"),
	    "i=2: ARC-Authentication-Results is missing" },
	{ "only the second", SET("2", "pass"),
	    "i=1: ARC-Authentication-Results is missing" },
	{ "far too high", SET("9", "pass"),
	    "ARC-Seal: i=9, but sets before it are missing" },
	{ "two seals", AS("1", "none") SET("1", "none"),
	    "i=1: ARC-Seal is there twice" },
	{ "two message signatures", AMS("1") SET("1", "none"),
	    "i=1: ARC-Message-Signature is there twice" },
	{ "two results", AAR("1") SET("1", "none"),
	    "i=1: ARC-Authentication-Results is there twice" },
	{ "over 50", SET("51", "pass"), "ARC-Seal: i=51, over 50" },
	{ "i=0", SET("0", "none"), "ARC-Seal: i= is no instance number" },
	{ "three digits", SET("001", "none"),
	    "ARC-Seal: i= is no instance number" },
	{ "i= empty", SET("", "none"), "ARC-Seal: i= is no instance number" },
	{ "no i=", "ARC-Seal: cv=none\r\n", "ARC-Seal: no i=" },
	{ "no list", "ARC-Seal: words\r\n", "ARC-Seal: a tag without \"=\"" },
	{ "tag twice", SET("1; i=1", "none"),
	    "ARC-Seal: tag \"i\" is there twice" },
	{ "results without i=", "ARC-Authentication-Results: x; spf=pass\r\n",
	    "ARC-Authentication-Results: no i= in front" },
	{ "results without ;", "ARC-Authentication-Results: i=1 x\r\n",
	    "ARC-Authentication-Results: no \";\" behind i=" },
	{ "results of 0", AAR("0"),
	    "ARC-Authentication-Results: i= is no instance number" },
	{ "open comment", "ARC-Authentication-Results: (i=1; x\r\n",
	    "ARC-Authentication-Results: no i= in front" },

	{ "h= in a seal", AS_("1", "none", "; h=from") AMS("1") AAR("1"),
	    SEAL "h= is not allowed" },
	{ "bad t=", AS_("1", "none", "; t=now") AMS("1") AAR("1"),
	    SEAL "t= is no time" },
	{ "t= empty", AS_("1", "none", "; t=") AMS("1") AAR("1"),
	    SEAL "t= is no time" },
	{ "no a=", "ARC-Seal: i=1; cv=none; d=x; s=s; b=YQ\r\n" AMS("1")
	    AAR("1"), SEAL "no a=" },
	{ "rsa-sha1", "ARC-Seal: i=1; cv=none; a=rsa-sha1; d=x; s=s; b=YQ\r\n"
	    AMS("1") AAR("1"),
	    SEAL "a= is neither rsa-sha256 nor ed25519-sha256" },
	{ "no b=", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s\r\n"
	    AMS("1") AAR("1"), SEAL "no b=" },
	{ "b= empty", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s; b=\r\n"
	    AMS("1") AAR("1"), SEAL "b= is no signature" },
	{ "b= not base64", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; s=s; "
	    "b=!!\r\n" AMS("1") AAR("1"), SEAL "b= is no signature" },
	{ "no s=", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x; b=YQ\r\n"
	    AMS("1") AAR("1"), SEAL "no s=" },
	{ "d= empty", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=; s=s; b=YQ"
	    "\r\n" AMS("1") AAR("1"), SEAL "d= is no domain name" },
	{ "d= with a blank", "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x y; "
	    "s=s; b=YQ\r\n" AMS("1") AAR("1"), SEAL "d= is no domain name" },

	{ "no bh=", AS("1", "none") AMS_("1", "t=1") AAR("1"),
	    MESSAGE "no bh=" },
	{ "bh= too short", AS("1", "none") AMS_("1", "bh=YQ==") AAR("1"),
	    MESSAGE "bh= is no SHA-256 hash" },
	{ "unknown c=", AS("1", "none") AMS_("1", BH "; c=nofws") AAR("1"),
	    MESSAGE "c= is no known canonical form" },
	{ "c= empty", AS("1", "none") AMS_("1", BH "; c=") AAR("1"),
	    MESSAGE "c= is no known canonical form" },
	{ "c= without a body", AS("1", "none") AMS_("1", BH "; c=relaxed/")
	    AAR("1"), MESSAGE "c= is no known canonical form" },
	{ "signs a seal", "ARC-Message-Signature: i=1; a=rsa-sha256; d=x; "
	    "s=s; h=from : ARC-seal; b=YQ; " BH "\r\n" AS("1", "none")
	    AAR("1"), MESSAGE "h= has ARC-Seal" },
	{ "expired", AS("1", "none") AMS_("1", BH "; x=1000000000") AAR("1"),
	    MESSAGE "it has expired (x=)" },
	{ "expires later", AS("1", "none") AMS_("1", BH "; x=99999999999")
	    AAR("1"), NO_KEY },
	{ "x= before t=", AS("1", "none") AMS_("1", BH "; t=9; x=8")
	    AAR("1"), MESSAGE "x= is not later than t=" },
	{ "bad l=", AS("1", "none") AMS_("1", BH "; l=-1") AAR("1"),
	    MESSAGE "l= is no length" },
	{ "another q=", AS("1", "none") AMS_("1", BH "; q=ldap") AAR("1"),
	    MESSAGE "q= has no dns/txt" },
	{ "v= is ignored", AS("1", "none") AMS_("1", BH "; v=9") AAR("1"),
	    NO_KEY },
	{ "an older signature may be odd", SET("2", "pass") AS("1", "none")
	    AMS_("1", "c=odd") AAR("1"),
	    "i=2: ARC-Message-Signature: the body was changed" },
};

static void
structure_test(void)
{
	struct arc_trial t = { .zone = "" };
	char text[2048];
	size_t i;

	for (i = 0; i < sizeof(structures) / sizeof(*structures); i++) {
		snprintf(text, sizeof(text), "%s\r\nbody\r\n",
		    structures[i].header);
		t.message = text;
		T_STR(structures[i].name, arc_trial(&t)->reason,
		    structures[i].want);
	}
}

static void
many_test(void)
{
	struct arc_trial t = { .zone = "" };
	struct buf b = { 0 };

	for (unsigned i = 1; i <= 1000; i++)
		buf_printf(&b, SET("%u", "pass"), i % 90, i % 90, i % 90);
	buf_puts(&b, "\r\n");
	buf_put(&b, "", 1);
	t.message = b.p;
	T_STR("a thousand sets", arc_trial(&t)->reason, "more than 50 sets");
	T_INT("cost no lookup", t.dns.asked, 0);
	buf_free(&b);
}

static void
names_test(void)
{
	struct arc_trial t = { .zone = "" };
	struct buf b = { 0 };

	buf_puts(&b, AS("1", "none") AAR("1") "ARC-Message-Signature: i=1; "
	    "a=rsa-sha256; d=x; s=s; b=YQ; " BH "; h=x");
	for (int i = 0; i < ARC_NAMES_MOST; i++)
		buf_puts(&b, ":x");
	buf_puts(&b, "\r\n\r\n");
	buf_put(&b, "", 1);
	t.message = b.p;
	T_STR("a thousand names", arc_trial(&t)->reason,
	    MESSAGE "h= has more than 1000 names");
	buf_free(&b);
}

int
main(void)
{
	loop_create();
	structure_test();
	many_test();
	names_test();
	arc_trial_end();
	loop_destroy();
	return t_done();
}
