"""The topics of an API: their list, one of them, and one message of it."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from publisher import operations, queries
from publisher.forms import MessageForm, TopicForm
from publisher.models import Api
from publisher.topics import VERBS, find
from publisher.views.common import api_page
from publisher.views.designs import DesignPage

WORDS = {"publish": "Clients send", "subscribe": "Clients receive"}


@require_safe
@requires()
def topics(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """All topics in their order."""
    return api_page(request, queries.get_api_for(current_user(request), pk), "topics/list.html", words=WORDS)


class TopicPage(DesignPage):
    """One topic, `topic` in the query, or without it a new one."""

    form = TopicForm
    page, template, saved = "topic", "topics/topic.html", "The topic is saved."

    def form_for(self, api: Api, data: QueryDict | None = None) -> TopicForm:
        """On the topic that was opened."""
        named = self.request.POST.get("original") if self.request.method == "POST" else self.request.GET.get("topic")
        if self.request.method != "POST" and named and find(api.topics, named) is None:
            raise Http404(f"{api} has no topic {named}")
        return TopicForm(data, api=api, original=named or "")

    def save(self, api: Api, form: TopicForm) -> Api:
        """Add it, or put it in the place of the one that was opened."""
        try:
            return operations.save_topic(api=api, **form.edit(), actor=current_user(self.request), now=now())
        except operations.GoneMeanwhile:
            _begin_anew(form)
            raise

    def done(self, api: Api, form: TopicForm) -> HttpResponse:
        """To the topic as it is now: its messages come next."""
        return redirect(_address("topic", api, topic=form.cleaned_data["target"]))

    def show(self, api: Api, form: Any, **context: Any) -> HttpResponse:
        """With the messages in their directions."""
        topic = find(api.topics, str(form["original"].value() or ""))
        directions = [
            (verb, words, topic.get("messages", {}).get(verb, []))
            for verb, words in WORDS.items()
            if topic and (verb in topic["verbs"] or topic.get("messages", {}).get(verb))
        ]
        return super().show(api, form, topic=topic, directions=directions, **context)


class MessagePage(DesignPage):
    """One message: `topic`, `direction` and `message` in the query, or without the last a new one."""

    form = MessageForm
    page, template, saved = "topic", "topics/message.html", "The message is saved."
    where: dict[str, Any]

    def form_for(self, api: Api, data: QueryDict | None = None) -> MessageForm:
        """On the message that was opened."""
        target, verb = self.request.GET.get("topic", ""), self.request.GET.get("direction", "")
        topic = find(api.topics, target) or {"target": target}
        if verb not in VERBS or (len(topic) == 1 and self.request.method != "POST"):
            raise Http404(f"{api} has no topic {target}")
        self.where = {"topic": topic, "verb": verb, "words": WORDS[verb]}
        named = self.request.POST.get("original") if self.request.method == "POST" else self.request.GET.get("message")
        return MessageForm(data, api=api, topic=topic, verb=verb, original=named or "")

    def save(self, api: Api, form: MessageForm) -> Api:
        """Add it, or put it in the place of the one that was opened."""
        target, verb = self.where["topic"]["target"], self.where["verb"]
        user = current_user(self.request)
        try:
            return operations.save_message(api=api, target=target, verb=verb, **form.edit(), actor=user, now=now())
        except operations.GoneMeanwhile:
            _begin_anew(form)
            raise

    def done(self, api: Api, form: MessageForm) -> HttpResponse:
        """Back to its topic."""
        return redirect(_address("topic", api, topic=self.where["topic"]["target"]))

    def show(self, api: Api, form: Any, **context: Any) -> HttpResponse:
        """With the topic and the direction that it belongs to."""
        return super().show(api, form, **self.where, **context)


@require_POST
@requires()
def moves(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let `topic` change places with the one before it, or with the one after it where `to` is down."""
    api = queries.get_api_for(current_user(request), pk)
    by = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if by is None:
        raise BadRequest("A topic moves up or down.")
    target = request.POST.get("topic", "")
    operations.move_topic(api=api, target=target, by=by, actor=current_user(request), now=now())
    return redirect(f"{reverse('publisher:topics', kwargs={'pk': pk})}#topics")


@require_POST
@requires()
def deletions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete `topic`, or only its `message` of `direction`."""
    api = queries.get_api_for(current_user(request), pk)
    target, name = request.POST.get("topic", ""), request.POST.get("message", "")
    user = current_user(request)
    if name:
        verb = request.POST.get("direction", "")
        operations.delete_message(api=api, target=target, verb=verb, name=name, actor=user, now=now())
        messages.success(request, f"The message {name} is deleted.")
        return redirect(_address("topic", api, topic=target))
    operations.delete_topic(api=api, target=target, actor=user, now=now())
    messages.success(request, f"The topic {target} is deleted.")
    return redirect("publisher:topics", pk=pk)


def _address(page: str, api: Api, **query: str) -> str:
    return f"{reverse(f'publisher:{page}', kwargs={'pk': api.pk})}?{urlencode(query)}"


def _begin_anew(form: Any) -> None:
    """Let the next save of a form add what it was on, which is gone."""
    form.data = form.data.copy()
    form.data["original"] = form.data["base"] = ""
