"""Keys and hashes with a form of their own: prefixes of issuers, private keys, JSON Web Tokens, hashed passwords.

The prefixes are those that their issuers document and that the rules of gitleaks (https://github.com/gitleaks/gitleaks)
and of detect-secrets (https://github.com/Yelp/detect-secrets) collect. Those scan files for a report: they do not say
where in a message a secret ends, and leave the rest of a private key.
"""

import re

from dragoman.redaction.shape import MASK, Shape

_TOKENS = r"""
    gh[pousr]_[A-Za-z0-9]{6,} | github_pat_\w{6,}                                  # GitHub
    | gl(?:pat|dt|ft|soat|rt|rtr|cbt|ptt|oas|agent|imt|ffct)-[\w.-]{6,}            # GitLab
    | (?:hf|api_org)_(?:(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}|[A-Za-z]{16,})               # Hugging Face
    | sk-(?:proj|ant|or|svcacct|admin|service|live|test|None)-(?=[\w-]*\d)[\w-]{8,}  # OpenAI, Anthropic, OpenRouter
    | sk-(?=[A-Za-z]*\d)[A-Za-z0-9]{10,} | sk-[A-Za-z0-9]{20,}                     # no region of Slovak (sk)
    | (?:gsk|xai|r8|pplx|nvapi|fw|csk|tgp_v1|lsv2_pt)[_-](?=[\w-]*\d)[\w-]{20,}    # Groq, xAI, Replicate ...
    | AKIA[A-Z0-9]{8,} | (?:A3T[A-Z0-9]|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}      # AWS
    | AIza[\w-]{16,} | ya29\.[\w-]{16,} | GOCSPX-[\w-]{16,}                        # Google
    | xox[a-z](?:\.xox[a-z])?-[\w-]{6,} | xapp-\d-[\w-]{10,}                      # Slack
    | npm_[A-Za-z0-9]{16,} | pypi-[\w-]{16,}                                       # npm, PyPI
    | (?:sk|rk|pk|whsec)_(?:live|test)_\w{10,} | whsec_\w{16,}                     # Stripe
    | SG\.[\w-]{16,}\.[\w-]{16,} | key-[0-9a-f]{32}                                # SendGrid, Mailgun
    | dop_v1_\w{16,} | shp(?:at|ca|pa|ss)_\w{16,}                                  # DigitalOcean, Shopify
    | dapi[0-9a-f]{32}(?:-\d)? | dckr_(?:pat|oat)_[\w-]{16,}                       # Databricks, Docker
    | hv[sbr]\.[\w-]{20,} | AGE-SECRET-KEY-1\w{20,}                                # Vault, age
    | (?:ATATT|ATCTT)[\w=-]{20,} | lin_api_\w{16,} | PMAK-[\w-]{20,}               # Atlassian, Linear, Postman
    | eyJ[\w-]{8,}\.[\w-]{2,}(?:\.[\w-]*){0,3}                                     # JSON Web Tokens (RFC 7519)
"""

_AWS = ("akia", "asia", "a3t", "abia", "acca", "aroa", "aida")

ISSUED_KEYS = (
    # private keys, whole or cut off, and with their lines joined by \n
    Shape(
        r"-----BEGIN\ [A-Z0-9\ ]*PRIVATE\ KEY(?:\ BLOCK)?-----(?P<secret>.*?)(?=-----END|\Z)",
        "private key",
        flags=re.DOTALL,
    ),
    Shape(
        r"PuTTY-User-Key-File-\d.*?Private-Lines:\ \d+\s+(?P<secret>.*?)(?=Private-MAC|\Z)",
        "putty-user-key-file",
        flags=re.DOTALL,
    ),
    Shape(
        rf"(?<![\w-])(?P<secret>{_TOKENS})",
        "_",
        "-",
        ".",
        "akia",
        "asia",
        "a3t",
        "abia",
        "acca",
        "aroa",
        "aida",
        "aiza",
    ),
    Shape(r"(?<!\d)(?P<secret>\d{8,10}:[A-Za-z0-9_-]{35})(?![\w-])", ":"),  # Telegram
    Shape(r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/]+)", "hooks.slack.com"),
    # AWS's secret key has no prefix: 40 characters after the key's id, which is masked by now
    Shape(
        r"""\*\*\*["'\s:;,=]{1,6}(?P<secret>(?=[A-Za-z0-9/+]*[A-Z/+])[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])""",
        *_AWS,
        MASK,
    ),
    # hashes of passwords: bcrypt, Apache, crypt(3), Werkzeug, Argon2, SCRAM, {SHA}
    Shape(
        r"""(?P<secret>
            \$2[abxy]\$\d\d\$[./A-Za-z0-9]{40,}
            | \$(?:apr1|[156y]|argon2\w*|pbkdf2[\w-]*|scrypt)\$[^\s"',:]{8,}
            | \b(?:scrypt:\d+:\d+:\d+|pbkdf2:\w+:\d+)\$[^\s"',]+ | SCRAM-SHA-\d+\$[^\s"',]+
            | \{S?SHA\d*\}[A-Za-z0-9+/=]{20,}
        )""",
        "$",
        "sha",
    ),
)
"""Shapes of them."""
