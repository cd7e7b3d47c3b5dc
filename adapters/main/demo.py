"""`kassa demo`: a whole shop in one command, with a catalogue, the sandbox provider and nothing to install."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from kassa.adapters.main.secrets_kept import kept
from kassa.adapters.system import SystemIds
from kassa.ports.errors import SettingRefused

METHODS = ("card", "e_wallet", "bank_transfer")


def catalogue() -> Path:
    """The sample catalogue (see `data/ATTRIBUTION.md`)."""
    return Path(str(files("kassa.adapters.main").joinpath("data/products.csv")))


def prepare(data_dir: Path, shop_url: str, sandbox_url: str) -> Path:
    """Write `kassa.toml` and the secrets of the demo into `data_dir`; the path of the settings."""
    if not str(data_dir).isprintable() or set(str(data_dir)) & set('"\\?#%'):
        raise SettingRefused(f'--data-dir: {str(data_dir)!r} holds one of " \\ ? # % or a control character')
    for method in METHODS:
        _keep_secret(data_dir, f"{method}_key", "sk_test_")
        _keep_secret(data_dir, f"{method}_webhook", "whsec_")
    host = sandbox_url.partition("://")[2]
    methods = "".join(_METHOD.format(name=name, dir=data_dir, sandbox=sandbox_url, host=host) for name in METHODS)
    path = data_dir / "kassa.toml"
    path.write_text(_TOP.format(dir=data_dir, shop=shop_url) + methods, encoding="utf-8")
    return path


_TOP = """# Written by `kassa demo` at every start.
database_url = "sqlite:///{dir}/shop.db"
cache_url = "memory://"
data_dir = "{dir}"
log = "quiet"

[shop]
currency = "GBP"
shipping = 395
tax_basis_points = 2000

[http]
public_url = "{shop}"
return_urls = ["{shop}/"]
requests_per_minute = 100000
"""

_METHOD = """
[payments.{name}]
plugin = "{name}"
driver = "sandbox"
mode = "test"
base_url = "{sandbox}"
allow_hosts = ["{host}"]
secret_key = {{ file = "{dir}/secrets/{name}_key" }}
webhook_secret = {{ file = "{dir}/secrets/{name}_webhook" }}
"""


def _keep_secret(data_dir: Path, name: str, prefix: str) -> str:
    return kept(data_dir / "secrets" / name, prefix, SystemIds())


OPERATOR = "operator@example.com"


def operator_password(data_dir: Path) -> str:
    """Of the demo's operator; kept in `data_dir`, because nobody else can be added while the shop is open."""
    return _keep_secret(data_dir, "operator_password", "")


@contextmanager
def sandbox(data_dir: Path, port: int, shop_url: str) -> Iterator[str]:
    """Run the sandbox provider as its own process on loopback; its address. Ended by its own pid."""
    merchants = []
    for method in METHODS:
        key, secret = (_keep_secret(data_dir, f"{method}_{kind}", prefix) for kind, prefix in _KINDS)
        url = f"{shop_url}/webhooks/{method}/notices"
        merchants += ["--merchant", f"name={method},key={key},webhook_secret={secret},webhook_url={url}"]
    command = [sys.executable, "-m", "kassa.adapters.sandbox", "--until-stdin-closes", "--port", str(port)]
    command += ["--journal", str(data_dir / "sandbox.jsonl"), *merchants]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        if not ready.startswith("sandbox ready "):
            raise SettingRefused(f"the sandbox provider did not start on port {port}")
        yield ready.split()[-1]
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()  # its journal is durable: nothing is lost
            process.wait()


_KINDS = (("key", "sk_test_"), ("webhook", "whsec_"))


def buying_session(shop: str, sandbox_url: str) -> str:
    """A shell session (POSIX sh and curl) that registers, logs in, and buys and pays by each of the three methods."""
    return _SESSION.replace("@SHOP@", shop).replace("@SANDBOX@", sandbox_url)


_SESSION = r"""
SHOP=@SHOP@
BANK=@SANDBOX@
RUN=$(date +%s)-$$
EMAIL="ada-$RUN@example.com"
PASSWORD="a long walk along the shore"
json() { curl -sS -H 'Content-Type: application/json' "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# register and log in
json $SHOP/v1/accounts -d "{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\",\"address\":\"1 Loop Road, London\"}"
TOKEN=$(json $SHOP/v1/sessions -d "{\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\"}" | field token)
me() { json -H "Authorization: Bearer $TOKEN" "$@"; }

# fill the cart and check out; the total that was shown is sent along to be compared
order() {
  CART=$(me -X PUT "$SHOP/v1/cart/lines/$1" -d '{"quantity":2}')
  TOTAL=$(echo "$CART" | sed 's/.*"total":\({[^}]*}\).*/\1/')
  INVOICE=$(me $SHOP/v1/checkout -H "Idempotency-Key: checkout-$RUN-$1" \
    -d "{\"expected_total\":$TOTAL}" | field invoice_id)
  AMOUNT=$(echo "$TOTAL" | sed 's/[^0-9]//g')
}
pay() {
  me $SHOP/v1/payments -H "Idempotency-Key: pay-$INVOICE" \
    -d "{\"invoice_id\":\"$INVOICE\",\"method\":\"$1\",\"input\":$2}"
}
status() {  # ask until it is paid, ten seconds at the most
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    STATUS=$(me $SHOP/v1/orders/$INVOICE | field status)
    [ "$STATUS" = paid ] && break
    sleep 0.5
  done
  echo "$1: $INVOICE $STATUS"
}

# 1. card: a token, charged at once
order 1; pay card '{"source":"tok_ok"}' > /dev/null; status card

# 2. e-wallet: the customer approves on the provider's page
order 2; APPROVE=$(pay e_wallet '{}' | field url); curl -sS -o /dev/null -X POST "$APPROVE/approve"; status e_wallet

# 3. bank transfer: the customer sends the money to the account shown
order 3; ACCOUNT=$(pay bank_transfer '{}' | field account_number)
json $BANK/bank/transfers -o /dev/null \
  -d "{\"account_number\":\"$ACCOUNT\",\"amount\":$AMOUNT,\"currency\":\"GBP\"}"; status bank_transfer
"""
