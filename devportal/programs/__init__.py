"""Copy as code: whole programs that connect, get and renew their tokens, and connect again. Pure.

Each is a file beside this one, with its settings in double braces: a string as the language writes it, or with `shell_`
before its name as a shell does.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from core.translating import gettext_noop

PROGRAMS = {
    "wscat": "wscat",
    "websocat": "websocat",
    "browser": gettext_noop("JavaScript (browser)"),
    "node": gettext_noop("JavaScript (Node)"),
    "python": "Python",
    "go": "Go",
    "java": "Java",
    "csharp": "C#",
}
_TEXTS = {name: (Path(__file__).parent / f"{name}.txt").read_text() for name in PROGRAMS}
_SETTING = re.compile(r"\{\{ (shell_)?(\w+) \}\}")


def program(name: str, *, wss: str, gateway: str, portal: str, message: str = "Hello") -> str:
    """One of PROGRAMS as a file holds it. There is no secret in it: the keys come from the environment.

    `wss` is the address of the API, `gateway` and `portal` are those of the servers (wss:// and https://).
    """
    settings = {
        "wss": wss,
        "gateway": gateway.replace("ws", "http", 1),
        "token_url": f"{portal}/oauth2/token",
        "message": message,
    }

    def written(found: re.Match[str]) -> str:
        if found[1]:
            return shlex.quote(settings[found[2]])
        quoted = json.dumps(settings[found[2]], ensure_ascii=False)  # a string that is the same in all the languages
        for end in "\x7f\x85\u2028\u2029":  # but some line ends may not stand in one in some of them
            quoted = quoted.replace(end, f"\\u{ord(end):04x}")
        return quoted

    return _SETTING.sub(written, _TEXTS[name])
