"""A line of the log: one object in JSON whatever is in it, with its request, and without credentials in either form."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from gateway.logging import formats

SECRET = "s3cret-0123456789"


class Heard(logging.Handler):
    """What a logger writes, in one form."""

    def __init__(self, form: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(params=[formats.Text, formats.Json], ids=["text", "json"])
def heard(request: pytest.FixtureRequest) -> Iterator[Heard]:
    """Both forms, one after the other."""
    yield from _hearing(request.param)


@pytest.fixture
def heard_in_json() -> Iterator[Heard]:
    """What is written, in JSON."""
    yield from _hearing(formats.Json)


def _hearing(form: Callable[[], logging.Formatter]) -> Iterator[Heard]:
    handler, root = Heard(form()), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_says_when_where_how_bad_and_what(heard_in_json: Heard) -> None:
    logging.getLogger("gateway.test").warning("The %s is %d.", "answer", 42)
    (said,) = heard_in_json.objects
    assert (said["level"], said["logger"], said["message"]) == ("WARNING", "gateway.test", "The answer is 42.")
    assert datetime.fromisoformat(said["time"]).utcoffset() == timedelta(0)
    assert said["process"] > 0


@pytest.mark.parametrize("name", ["uvicorn.error", "daphne.server", "django.request", "websockets.client", "asyncio"])
def test_other_people_s_loggers_write_the_same_way(name: str, heard_in_json: Heard) -> None:
    logging.getLogger(name).error("Hello.", extra={"color_message": "\x1b[32mHello."})
    (said,) = heard_in_json.objects
    assert (said["logger"], said["message"]) == (name, "Hello.")
    assert "color_message" not in said


def test_what_is_written_stays_on_its_line(heard_in_json: Heard) -> None:
    logging.getLogger("gateway.test").warning('two\nlines, a "quote", \u2028 and \x00', extra={"reason": "a\r\nb"})
    (line,) = heard_in_json.lines
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["reason"] == "a\r\nb"


def test_an_exception_is_one_field(heard_in_json: Heard) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("gateway.test").exception("It failed.")
    (said,) = heard_in_json.objects
    assert said["message"] == "It failed."
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ValueError: two\nlines")


def test_a_line_names_the_request_that_it_is_about(heard: Heard) -> None:
    token = formats.request_id.set("request-of-carol")
    try:
        logging.getLogger("gateway.test").warning("Here.")
    finally:
        formats.request_id.reset(token)
    logging.getLogger("gateway.test").warning("Elsewhere.")
    inside, outside = heard.lines
    assert inside.count("request-of-carol") == 1
    assert "request" not in outside


def test_fields_of_a_record_are_fields_of_the_object(heard_in_json: Heard) -> None:
    fields = {"status": 401, "seconds": 0.25, "api": "Echo", "plan": None}
    logging.getLogger("gateway.test").info("Refused.", extra=fields)
    (said,) = heard_in_json.objects
    assert {name: said[name] for name in fields} == fields


def test_no_credential_is_shown_wherever_it_stands(heard: Heard) -> None:
    logger = logging.getLogger("some.library")
    logger.warning("GET /?access_token=%s", SECRET)
    logger.warning({"authorization": f"Bearer {SECRET}"})
    logger.warning("Sent.", extra={"header": f"Authorization: Bearer {SECRET}"})
    logger.warning('{"client_secret": "%s"}', SECRET)
    logger.warning("POST /oauth2/token?code=%s&x=1", SECRET)
    try:
        raise ValueError(f"authorization: \\{SECRET}")
    except ValueError:
        logger.exception("It failed.", stack_info=True)
    assert len(heard.lines) == 6
    assert SECRET not in "".join(heard.lines)


def test_redacting_leaves_an_object_an_object(heard_in_json: Heard) -> None:
    logging.getLogger("some.library").warning('authorization: a\\"b, "c": "d"')
    assert heard_in_json.objects[0]["message"].startswith("authorization: [redacted]")


def test_a_request_that_django_attaches_is_not_written(heard_in_json: Heard) -> None:
    request = RequestFactory().get("/publisher/?code=abc")
    logging.getLogger("django.request").error("Failed.", extra={"request": request, "status_code": 500})
    (said,) = heard_in_json.objects
    assert said["status_code"] == 500
    assert "abc" not in json.dumps(said)


def test_what_python_would_print_becomes_a_line(heard_in_json: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    formats.take_over()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("Old.", stacklevel=1)
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        try:
            raise KeyError("nobody")
        except KeyError as error:
            sys.excepthook(KeyError, error, error.__traceback__)
    finally:
        logging.captureWarnings(False)
    warned, in_thread, uncaught = heard_in_json.objects
    assert "Old." in warned["message"]
    assert "ZeroDivisionError" in in_thread["exception"]
    assert "KeyError: 'nobody'" in uncaught["exception"]
