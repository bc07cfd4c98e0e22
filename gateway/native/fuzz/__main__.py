"""Build the fuzzer with sanitizers and run it for a while, from handshakes and frames as they should be.

With libFuzzer where the compiler is clang and has it, else with a driver that changes the seeds blindly. A finding ends
it with another exit code than 0, and the input lies in the folder that is named.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from gateway.native import build

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = (HERE / "target.c", build.SOURCES / "head.c", build.SOURCES / "scanner.c")
ANY: Final = b"\x80\xff"  # what the first two bytes choose, see target.c

REQUEST: Final = (
    b"GET /echo/1.0.0?room=5 HTTP/1.1\r\nHost: gateway.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer a.b.c\r\n\r\n"
)
SWITCH: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
MANY: Final = REQUEST[:-2] + b"X: y\r\n" * 45 + b"\r\n"  # more fields than are read
MASKED: Final = b"\x81\x85abcdhello" * 5 + b"\x02\x83abcdxyz\x80\x82abcdxy" + b"\x82\xfe\x00\xc8abcd" + bytes(200)
UNMASKED: Final = b"\x82\x05hello" * 5 + b"\xc1\x03xyz" + b"\x82\x7f" + (70_000).to_bytes(8, "big") + bytes(500)
PIECES: Final = b"\x41\x64" + bytes(100) + b"\x00\x64" + bytes(100) + b"\x80\x64" + bytes(100)
BITS: Final = b"\x41\x64" + bytes(100) + b"\x00\x64" + bytes(100) + b"\xc0\x64" + bytes(100)
LENGTHS: Final = (  # the first and the last of each way to write one, and such as may not be written so
    *(b"\x82\x7e" + size.to_bytes(2, "big") + bytes(min(size, 126)) for size in (125, 126, 255, 256)),
    *(b"\x82\x7f" + size.to_bytes(8, "big") + bytes(9) for size in (65535, 65536, 1 << 62, (1 << 63) - 1, 1 << 63)),
)
# What the first byte chooses: how long messages and frames may be, whether they are masked, whether RSV1 is negotiated.
ANY_SIZE, MESSAGES_OF_200, FRAMES_OF_125, IN_A_PAYLOAD, MASKS, RSV1 = 96, 56, 84, 196, 1, 2
SEEDS: Final = (
    *(ANY + head for head in (REQUEST, SWITCH, MANY)),
    b"\x80\x08" + REQUEST,  # of which less is to be read
    bytes([ANY_SIZE | MASKS, 0]) + MASKED,
    *(bytes([choice | RSV1, 0]) + UNMASKED for choice in (ANY_SIZE, FRAMES_OF_125, IN_A_PAYLOAD)),
    *(bytes([choice | RSV1, 0]) + pieces for choice in (ANY_SIZE, MESSAGES_OF_200) for pieces in (PIECES, BITS)),
    *(bytes([ANY_SIZE, 0]) + frame for frame in LENGTHS),
)


def main(arguments: list[str]) -> int:
    """0: nothing was found."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway.native.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long (60)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        seeds = folder / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(SEEDS):
            (seeds / str(number)).write_bytes(seed)
        try:
            command = _built(folder, seeds, options.seconds)
        except build.CannotBuild as error:
            print(f"There is no fuzzing: {error}.", file=sys.stderr)  # noqa: T201
            return 1
        return subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603


def _built(folder: Path, seeds: Path, seconds: int) -> list[str]:
    """The command that fuzzes. Raises CannotBuild."""
    compiler = build.compiler()
    if not compiler:
        raise build.CannotBuild("no C compiler was found")
    program = str(folder / "fuzz")
    library, version = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LDVERSION")
    linked = [f"-L{library}", f"-Wl,-rpath,{library}", f"-lpython{version}", *build.LIBRARIES]  # none is called
    common = ["-O1", "-g", "-std=c11", "-D_GNU_SOURCE", f"-I{sysconfig.get_path('include')}", "-o", program]
    sanitized = [*compiler, *common, *map(str, SOURCES)]
    if not _run([*sanitized, "-fsanitize=fuzzer,address,undefined", *linked]):
        return [program, f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1", str(seeds)]
    if problem := _run([*sanitized, str(HERE / "driver.c"), *build.SANITIZED, *linked]):
        raise build.CannotBuild(f"the C compiler has no sanitizers: {problem.strip().splitlines()[-1]}")
    return [program, str(seconds), *map(str, sorted(seeds.iterdir()))]


def _run(command: list[str]) -> str:
    """What the compiler had to complain of."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the machine's own
    return done.stderr or "it failed" if done.returncode else ""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
