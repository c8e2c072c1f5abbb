"""Secrets whose values nobody told this process are masked by what they look like; ordinary sentences are not."""

import base64

import pytest

from dragoman.redaction import MASK, masked

LETTERS = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzAbCdEfGhIjK"
DIGITS = "0123456789abcdef0123456789abcdef"
# RFC 7519, section 3.1
JWT = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
# of AWS's documentation ("Managing access keys")
AWS_ID, AWS_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# RFC 7617, section 2: the user Aladdin with the password "open sesame"
BASIC = "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
PEM = "\n".join([LETTERS + LETTERS[:20]] * 3)
BCRYPT = "$2y$05$" + (LETTERS + LETTERS)[:53]

SECRETS = [
    # passwords in URLs
    ("can't connect to postgresql+psycopg://ann:hunter2!@db:5432/dragoman (timeout)", "hunter2!"),
    ("postgresql://ann:pa/ss/word@db.example.org/store", "pa/ss/word"),
    ("postgresql://ann:12/34ab@db.example.org/store", "12/34ab"),
    ("mysql://ann:p@ss@word9@db/store refused", "p@ss@word9"),
    ("(OperationalError) 'postgresql://ann:it's \"quoted\"@db/store'", 'it\'s "quoted"'),
    ("postgresql://ann:correct horse, battery; staple@db:5432/store is down", "correct horse, battery; staple"),
    ("redis://:s3cretpass@cache:6379/0", "s3cretpass"),
    ("https://ci-bot:gl0balsecret@git.example.org/x.git", "gl0balsecret"),
    (f"https://{LETTERS[:30]}@git.example.org/x.git", LETTERS[:30]),
    ("s3://AKIAX:p%2Fss%40word@bucket/blobs", "p%2Fss%40word"),
    ("postgresql://db/store?user=ann&password=p/a,s;s'w0rd&sslmode=require", "p/a,s;s'w0rd"),
    # names and values
    ("password=hunter2", "hunter2"),
    ("PASSWORD = swordfish", "swordfish"),
    ("passwd: tr0ub4dor&3", "tr0ub4dor&3"),
    ("db_password='correct horse'", "correct horse"),
    ("pwd=open/sesame, user=ann", "open/sesame"),
    ("user=ann pass=opensesame host=db", "opensesame"),
    ("password=a,b;c'd\"e host=db", "a,b;c'd\"e"),
    ("DB_PASS=xyzzyplugh", "xyzzyplugh"),
    ("passphrase: open sesame now", "open sesame now"),
    ("export OPENAI_API_KEY=abcdefghijkl", "abcdefghijkl"),
    ("apikey = 'zxcvbnm'", "zxcvbnm"),
    ("client_secret=qwertyuiop&grant_type=x", "qwertyuiop"),
    ("The secret_key: k3yk3yk3y was refused", "k3yk3yk3y"),
    ("HF_TOKEN=abcdefgh", "abcdefgh"),
    ("access_token: zyxwvuts", "zyxwvuts"),
    ("token=abc123xyz", "abc123xyz"),
    (f"https://host/v1/models?key={LETTERS[:39]}", LETTERS[:39]),
    ("aws_session_token = " + LETTERS * 2, LETTERS * 2),
    # libpq, ODBC, ADO, SQL
    (r"host=db password='a b\'c\\d' dbname=store", r"a b\'c\\d"),
    ("DRIVER={ODBC 18};SERVER=db;UID=ann;PWD={a;b}}c d};Encrypt=yes", "{a;b}}c d}"),
    ("Server=db;User Id=ann;Password=a b, c;Database=store", "a b, c"),
    ("ALTER ROLE ann PASSWORD 'it''s me'", "it''s me"),
    # Python, JSON, YAML, XML
    (r"{'user': 'ann', 'password': 'a\'b c'}", r"a\'b c"),
    ("{'user': 'ann', 'password': \"a'b c\"}", "a'b c"),
    (r'{"password": "a\"b, c}", "n": 1}', r"a\"b, c}"),
    (r'{"body": "{\"password\": \"se same\", \"n\": 1}"}', "se same"),
    ("Config(user='ann', password='opensesame', port=1)", "opensesame"),
    ("Config(password=Secret('opensesame'))", "opensesame"),
    ("{b'password': b'open\\xffsesame'}", "open\\xffsesame"),
    ("params: [('user', 'ann'), ('password', 'opensesame')]", "opensesame"),
    ("requests.get(url, auth=('ann', 'open sesame'))", "open sesame"),
    ("db:\n  user: ann\n  password: open sesame, again\n  port: 1", "open sesame, again"),
    ("<user>ann</user><password>open sesame</password>", "open sesame"),
    ('password="cut off in the mid', "cut off in the mid"),
    # commands
    ("pg_tool --password open/sesame --host db", "open/sesame"),
    ("tool --password='open sesame' run", "open sesame"),
    ("['tool', '--api-key', 'opensesame', 'run']", "opensesame"),
    ("tool --token opensesame run", "opensesame"),
    ("sshpass -p opensesame ssh ann@host", "opensesame"),
    ("docker login -u ann -p opensesame registry", "opensesame"),
    ("curl -u ann:opensesame https://host", "opensesame"),
    # headers
    ("Authorization: token opensesame", "opensesame"),
    (f"Authorization: Bearer {LETTERS}", LETTERS),
    (f"{{'Authorization': 'Basic {BASIC}'}}", BASIC),
    ("authorization: ApiKey opensesame", "opensesame"),
    (
        'Authorization: Digest username="Mufasa", realm="x", response="8ca523f5e9506fed4657c9700eebdbec"',
        "8ca523f5e9506f",
    ),
    (f"Authorization: AWS4-HMAC-SHA256 Credential={AWS_ID}/x, Signature={DIGITS * 2}", DIGITS * 2),
    ("(b'authorization', b'Bearer opensesame')", "opensesame"),
    ("X-Api-Key: opensesame", "opensesame"),
    ("PRIVATE-TOKEN: opensesame", "opensesame"),
    ("Cookie: session=opensesame; theme=dark", "opensesame"),
    ("Set-Cookie: sid=open-sesame; Path=/; HttpOnly", "open-sesame"),
    (f"it answered with Basic {BASIC} to us", BASIC),
    # issuers' keys
    (f"Incorrect API key provided: sk-{LETTERS}.", LETTERS),
    (f"the key sk-proj-{LETTERS[:20]}_{LETTERS[20:]}-x is used", LETTERS[20:]),
    (f"(sk-ant-api03-{LETTERS})", LETTERS),
    (f"hf_{'AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'}", "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"),
    (f"ghp_{LETTERS[:36]} expired", LETTERS[:36]),
    (f"github_pat_{LETTERS[:22]}_{LETTERS}", LETTERS),
    (f"glpat-{LETTERS[:20]}", LETTERS[:20]),
    (f"{AWS_ID}:{AWS_KEY}", AWS_KEY),
    (f"AWS_SECRET_ACCESS_KEY={AWS_KEY}", AWS_KEY),
    (f"the id {AWS_ID} is unknown", AWS_ID),
    (f"AIza{LETTERS[:35]}", LETTERS[:35]),
    (f"xoxb-{'123456789012'}-{LETTERS[:24]}", LETTERS[:24]),
    (f"npm_{LETTERS[:36]}", LETTERS[:36]),
    (f"pypi-AgEIcHlwaS5vcmc{LETTERS * 2}", LETTERS * 2),
    (f"the session {JWT} has ended", JWT),
    # signed URLs
    (f"https://b.s3.amazonaws.com/k?X-Amz-Signature={DIGITS * 2}&X-Amz-Expires=60", DIGITS * 2),
    (
        f"https://b.s3.amazonaws.com/k?AWSAccessKeyId={AWS_ID}&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
        "vjbyPxybdZaNm",
    ),
    (f"https://storage.googleapis.com/b/k?X-Goog-Signature={DIGITS * 4}", DIGITS * 4),
    (f"https://a.blob.core.windows.net/c?sv=2024&sig={LETTERS[:40]}%3D", LETTERS[:40]),
    # files
    (f"-----BEGIN PRIVATE KEY-----\n{PEM}\n-----END PRIVATE KEY-----", LETTERS),
    (f"key: '-----BEGIN RSA PRIVATE KEY-----\\n{LETTERS}\\n{LETTERS}", LETTERS),
    ("machine host login ann password opensesame", "opensesame"),
    ("db.example.org:5432:store:ann:opensesame", "opensesame"),
    (f"ann:{BCRYPT}", BCRYPT),
    ("scrypt:32768:8:1$Wp1nFzqr$" + DIGITS * 4, DIGITS * 4),
    (f'{{"auths": {{"ghcr.io": {{"auth": "{BASIC}"}}}}}}', BASIC),
    (f"users:\n- user:\n    client-key-data: {LETTERS}\n    token: {LETTERS}", LETTERS),
    (f"//registry.npmjs.org/:_authToken={DIGITS}", DIGITS),
    (f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={LETTERS}==;EndpointSuffix=y", LETTERS),
    (base64.b64encode(b"ann:opensesame").decode(), base64.b64encode(b"ann:opensesame").decode()),
]

HARMLESS = [
    # tokens of language models
    "The model m has no tokenizer: save the one it was trained with.",
    "token: German",
    "tokens per second = 40",
    "tokens: 1024",
    "12,345 tokens/s",
    "max_new_tokens=256",
    "max_new_tokens: 24",
    "DRAGOMAN_BATCH_TOKENS=4096",
    "pad_token=<pad>",
    'pad_token: "<pad>"',
    "eos_token_id=2",
    "forced_bos_token_id: 250004",
    "decoder_start_token_id=2",
    "src_token=eng_Latn",
    "token_type_ids: [0, 0]",
    "token_count=1024",
    "tokenizer='13a'",
    "tokenizer: sentencepiece-v2-2024",
    "--tokenize 13a --lowercase",
    "TOKENIZERS_PARALLELISM=false",
    "tokenization: by characters",
    "the token '▁Hello' is the first",
    "token: 250004",
    "RAY_AUTH_MODE=token",
    "--max-new-tokens 256",
    # sentences about secrets
    "the password file is missing",
    "password policy: at least eight",
    "password: must have eight characters",
    "The password is wrong: set PGPASSWORD.",
    "the password is 8 characters long",
    'password authentication failed for user "ann"',
    "passwordless: yes",
    "the secret: patience",
    "secretary: Ann",
    "the cluster wants a token: set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's.",
    "RAY_AUTH_TOKEN_PATH=/home/ann/.ray/auth_token",
    "key_variable: OPENAI_API_KEY",
    "The variable OPENAI_API_KEY, which is to hold the endpoint's key, is not set.",
    "api key: see the documentation",
    "authorization: required",
    "over HTTP with a bearer token: nothing of it is needed",
    "no valid token: ask `session` for one",
    "as for `basic-auth`: `MLFLOW_FLASK_SERVER_SECRET_KEY`",
    "author: Ann Author",
    "bearer of news",
    "bearer authentication is off",
    "a basic translation of it",
    "basic bleu",
    "Basic Multilingual Plane",
    "cookie monster",
    "cookie: chocolate",
    "use --password or --token-file",
    "key-value pairs: 12",
    "password=None, token=None",
    "passes: 3",
    "pass 2 of 3",
    "pass=2",
    "backward pass: done",
    "PWD=/home/ann/grids",
    # names and numbers
    "key=en-de",
    "sort key=chrf++",
    "the key: eng_Latn-deu_Latn",
    "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
    "signature=nrefs:1|case:mixed|eff:no|nc:6|nw:2|space:no|version:2.6.0",
    "/dragoman/grids/g?metric=chrf&signature=nrefs%3A1%7Ccase%3Amixed%7Ceff%3Ayes%7Cnc%3A6%7Cnw%3A0%7Cspace%3Ano",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "the cell 9f86d081884c7d65 is done",
    "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
    "run 0a1b2c3d4e5f60718293a4b5c6d7e8f9 of the experiment 1",
    "dragoman.key=grid/9f86d081884c7d659a2feaa0c55ad015",
    "cell key: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "model-00001-of-00002.safetensors",
    "/home/ann/.dragoman/models/9f86d081884c7d65/adapter_model.safetensors",
    "sk-en sk_SK sk-cs: Slovak",
    "sk-finetuned-checkpoint-2024 is better than opus-mt-sk-en",
    "hf_transfer and hf_hub_download are fast",
    # addresses
    "sqlite:////data/store.db",
    "s3://bucket/blobs",
    "http://localhost:5000/a@b",
    "http://localhost:5000/#/experiments/1/runs/2 was written by ann@example.org",
    "https://huggingface.co/facebook/nllb-200-distilled-600M/resolve/main/config.json?download=true",
    "postgresql+psycopg://ann@db:5432/store",
    "http://[::1]:5000/dragoman/",
    "docker://python:3.13@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "grid/model:prompt@3",
    "ann@example.org asked at 12:30",
    "2026-11-30T12:00:00.123Z INFO dragoman: cell done [grid=g cell=9f86d081]",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCARwCCQ\n-----END CERTIFICATE-----",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_nothing_of_a_secret_is_left(text: str, secret: str) -> None:
    assert secret in text
    shown = masked(text)
    assert MASK in shown
    # of a long one no part either, such as what stands behind its first comma
    parts = {secret[start : start + 5] for start in range(max(len(secret) - 4, 1))}
    assert not [part for part in parts if part in shown], shown
    assert masked(shown) == shown


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


def test_what_is_around_a_secret_stays() -> None:
    assert masked("postgresql://ann:a@db:5432/store: user=ann, password=b, n=1") == (
        "postgresql://ann:***@db:5432/store: user=ann, password=***, n=1"
    )
    assert masked('{"password": "a", "user": "ann"}') == '{"password": "***", "user": "ann"}'
