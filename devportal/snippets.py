"""How to connect, word for word: the tutorial's commands, and a few lines of code. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PIECES = re.compile(r'^wscat|"[^"]*"|wss?://\S+')


@dataclass(frozen=True)
class Snippet:
    """One way to connect: what its tab says, its text, and the credential in it (for display only)."""

    title: str
    text: str
    token: str

    def parts(self) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with what it is: "cmd", "str", "credential" or ""."""
        end = 0
        for piece in _PIECES.finditer(self.text):
            yield "", self.text[end : piece.start()]
            before, token, after = piece.group().partition(self.token)
            yield "cmd" if piece.group() == "wscat" else "str", before
            yield "credential", token
            yield "str", after
            end = piece.end()
        yield "", self.text[end:]


def all_ways(ws: str, wss: str, token: str, *, in_url: bool = True) -> list[Snippet]:
    """Every way to connect to the addresses `ws` and `wss` with `token`; the tutorial's four commands first.

    `in_url` says whether the API takes a token in its address.
    """
    in_the_address = {
        "WS, token in URL": f'wscat -c "{ws}?access_token={token}"',
        "WSS, token in URL": f'wscat -n -c "{wss}?access_token={token}"',
    }
    texts = {
        "WS": f'wscat -c {ws} -H "Authorization: Bearer {token}"',
        "WSS": f'wscat -n -c {wss} -H "Authorization: Bearer {token}"',
        **(in_the_address if in_url else {}),
        "Browser": (
            f'const socket = new WebSocket("{wss}", ["apim", "bearer.{token}"]);\n'
            'socket.onopen = () => socket.send("Hello");\n'
            "socket.onmessage = (event) => console.log(event.data);"
        ),
        "Node": (
            'import WebSocket from "ws"; // npm install ws\n\n'
            f'const headers = {{ Authorization: "Bearer {token}" }};\n'
            f'const socket = new WebSocket("{ws}", {{ headers }});\n'
            'socket.on("open", () => socket.send("Hello"));\n'
            'socket.on("message", (data) => console.log(String(data)));'
        ),
        "Python": (
            "from websockets.sync.client import connect  # pip install websockets\n\n"
            f'headers = {{"Authorization": "Bearer {token}"}}\n'
            f'with connect("{ws}", additional_headers=headers) as socket:\n'
            '    socket.send("Hello")\n'
            "    print(socket.recv())"
        ),
    }
    return [Snippet(title, text, token) for title, text in texts.items()]
