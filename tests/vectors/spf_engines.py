"""Where libspf2 decides otherwise than our own evaluator, by class. In each
case ours is what RFC 7208 says, or leaves open."""

DIFFERENT = {
    "it takes any octet in a record; a NUL ends the record for it": """
        non-ascii-policy control-char-policy a-null mx-null
        """.split(),
    "to it a modifier's name has only letters, digits and hyphens": """
        modifier-charset-good redirect-after-mechanisms2
        """.split(),
    "it looks at redirect before the mechanisms": """
        redirect-after-mechanisms1
        """.split(),
    "to it redirect:domain is redirect=domain": """
        redirect-is-modifier
        """.split(),
    "names need no top-level domain to it, and may end in anything": """
        invalid-domain a-bad-domain a-numeric a-numeric-toplabel
        a-bad-toplabel a-only-toplabel a-only-toplabel-trailing-dot
        mx-bad-domain mx-numeric-top-label mx-bad-toplab exists-cidr
        exp-syntax-error baddomain
        """.split() + [
            "v=spf1 a:/x32//12",
            "v=spf1 a:/x32.com//12 redirect=softfail",
            "v=spf1 a:as%%20//24///4 mx=%{i3r}.spf.%{d}/24",
            "v=spf1 a:as%-//24///4 mx=%{i3r}.spf.%{d}",
            "v=spf1 a:as%-//24///4 mx=%{i3r}.spf.%{d}/",
            "v=spf1 a:as%-//24///4 mx=%{i3r}.spf.%{d}/24",
            "v=spf1 a:as%-//24//4 mx=%{i3r}.spf.%{d}",
            "v=spf1 mx mx:a mx:b mx:c mx:d mx:e mx:f mx:g",
            "v=spf1 mx mx:a mx:b mx:c mx:d mx:e mx:f mx:g mx:h mx:i mx:j mx:k",
            "v=spf1 mx mx:a mx:b mx:c mx:d mx:e mx:f mx:g mx:h",
            "v=spf1 mx mx:a mx:b mx:c",
            "v=spf1 mx mx:a mx:b",
        ],
    "it takes an argument that is empty as none": """
        ptr-empty-domain a-empty-domain mx-empty-domain exists-empty-domain
        exp-empty-domain redirect-empty-domain
        """.split() + ["v=spf1 a:/32//12", "v=spf1 a:/32//128"],
    "a prefix length of 0 is an error to it": """
        a-nxdomain a-cidr4-0 a-cidr4-0-ip6 a-cidr6-0-ip4 a-cidr6-0-ip4mapped
        a-cidr6-0-ip6 a-cidr6-0-nxdomain mx-nxdomain mx-cidr4-0 mx-cidr4-0-ip6
        mx-cidr6-0-ip4 mx-cidr6-0-ip4mapped mx-cidr6-0-ip6 mx-cidr6-0-nxdomain
        cidr4-0 cidr6-0-ip4 cidr6-ip4 cidr6-0
        """.split(),
    "it takes leading zeros in a prefix length": ["cidr4-032"] + [
        "v=spf1 ip4:111.222.133.144/22 ip4:1.2.3.4/004",
        "v=spf1 ip6:::1 ip4:111.222.133.144/22 ip4:1.2.3.4/004",
        ],
    "it takes exp and redirect twice": """
        exp-twice redirect-twice
        """.split(),
    "it looks at macros only where it expands them, and lets errors be": """
        unknown-modifier-syntax exp-only-macro-char invalid-macro-char
        invalid-embedded-macro-char invalid-trailing-macro-char
        """.split(),
    "spaces in an explanation become %, and macros behind them stay": """
        redirect-cancels-prior-exp dorky-sentinel trailing-dot-exp
        exp-txt-macro-char v-macro-ip4 v-macro-ip6 p-macro-ip4-novalid
        p-macro-ip4-valid p-macro-ip6-novalid p-macro-ip6-valid
        """.split(),
    "of several explanations it takes the first": """
        exp-multiple-txt two-exp-records
        """.split(),
    "a name of more than 253 octets is not cut to its end": """
        domain-name-truncation
        """.split(),
    "hexadecimal digits have the other case": [
        "upper-macro", "%{ir}.example.org"],
    "%{d4} is one octet short where there are only three parts":
        ["%{d4}", "%{d3}"],
    "a DNS failure of one of the client's names ends all": ["ptr-cname-loop"],
    "more than ten reverse names of the client are an error": ["ptr-limit"],
    "%{p} is the first name, not one of the sender's domain":
        ["p-macro-multiple"],
    "a client on a loopback address passes": ["localhost"],
}
WHY = {name: why for why, names in DIFFERENT.items() for name in names}
