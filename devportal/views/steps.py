"""Where somebody stands in the key generation wizard.

The wizard keeps no state of its own: each step's URL names what was chosen, and the rows say what is done. So Back
works, two tabs do not disturb each other, and a reload repeats nothing.
"""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from core import durations
from devportal import queries
from devportal.models import Application, KeyType, OAuthClient, Subscription
from devportal.permissions import require_use_application
from publisher.models import Api

TITLES = (
    gettext_lazy("Application"),
    gettext_lazy("Subscribe"),
    gettext_lazy("Keys"),
    gettext_lazy("Token"),
    gettext_lazy("Connect"),
)


@dataclass(frozen=True)
class Run:
    """What is chosen so far."""

    api: Api
    application: Application | None = None
    subscription: Subscription | None = None
    key_type: KeyType | None = None
    client: OAuthClient | None = None

    def address(self, step: int) -> str:
        """The URL of a step, counted from 1."""
        if step == 1 or self.application is None:
            chosen = f"?application={self.application.pk}" if self.application else ""
            return reverse("devportal:wizard", args=[self.api.pk]) + chosen
        if step <= 3 or self.key_type is None:
            name = "devportal:wizard-subscribe" if step == 2 else "devportal:wizard-keys"
            chosen = f"?type={self.key_type.lower()}" if self.key_type and step == 3 else ""
            return reverse(name, args=[self.api.pk, self.application.pk]) + chosen
        name = "devportal:wizard-token" if step == 4 else "devportal:wizard-connect"
        return reverse(name, args=[self.api.pk, self.application.pk, self.key_type])

    @property
    def first_open(self) -> int:
        """The first step that is not done."""
        if self.application is None:
            return 1
        if self.subscription is None:
            return 2
        return 3 if self.client is None else 4


@dataclass(frozen=True)
class WizardStep:
    """One mark of the stepper."""

    number: int
    title: str
    note: str
    state: str
    href: str


def run_for(viewer: User, api_pk: UUID, application_pk: UUID | None = None, key_type: KeyType | None = None) -> Run:
    """The run that a URL names. Raises ApiNotFound, ApplicationNotFound or NotYourApplication."""
    api = queries.api_for(viewer, api_pk)
    if application_pk is None:
        return Run(api)
    application = queries.application_for(viewer, application_pk)
    require_use_application(viewer, application)
    client = queries.keys_of(application, key_type) if key_type else None
    subscription = application.subscriptions.filter(api=api).select_related("plan", "api").first()
    return Run(api, application, subscription, key_type, client)


def steps_of(run: Run, here: int, *, failed: bool = False, seconds: int | None = None) -> list[WizardStep]:
    """The stepper with step `here` current; the steps before it lead back."""
    notes = (
        run.application.name if run.application else _("create or choose"),
        str(run.subscription.plan) if run.subscription else _("choose a plan"),
        str(run.key_type.label) if run.key_type else _("production or sandbox"),
        durations.in_words(seconds) if seconds else _("scopes and validity"),
        _("copy and go"),
    )
    steps = []
    for number, (title, note) in enumerate(zip(TITLES, notes, strict=True), start=1):
        state = "done" if number < here else "todo" if number > here else "failed" if failed else "current"
        steps.append(WizardStep(number, str(title), note, state, run.address(number) if number < here else ""))
    return steps
