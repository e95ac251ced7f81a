"""Whose an access key is: the keys of two roles share the token buckets of their account."""

import re
from urllib.parse import urlencode

from support.strict_proxy.api import Call, Scope, Send

_ROOT = "Credential=000000000000/20261122/us-east-1/sts/aws4_request"
_ACCOUNT = re.compile(rb"<Account>(\d{12})</Account>")


class Accounts:
    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, send: Send, scope: Scope) -> str:
        key = scope.access_key
        if key not in self._known:
            self._known[key] = key if key.isdecimal() else _ask(send, key)
        return self._known[key]


def _ask(send: Send, key: str) -> str:
    """STS knows; for a key that it does not, the key stands for its account."""
    question = {"Action": "GetAccessKeyInfo", "Version": "2011-06-15", "AccessKeyId": key}
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 {_ROOT}, SignedHeaders=host, Signature=unchecked",
        "content-type": "application/x-www-form-urlencoded",
    }
    found = _ACCOUNT.search(send(Call("POST", "/", headers, urlencode(question).encode())).body)
    return found[1].decode() if found else key
