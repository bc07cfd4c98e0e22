"""Who may do what with which application: its owner everything, others what it is shared with them for."""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.permissions import Viewer
from devportal.errors import MemberNotFound
from devportal.models import Application, ClientSecret, Membership, OAuthClient, Subscription, TokenMaker
from devportal.sharing import Right
from devportal.subscription_states import SubscriptionState
from publisher.models import Api


def right_of(viewer: Viewer, application: Application) -> Right:
    """What the viewer may do with `application`."""
    if not isinstance(viewer, User):
        return Right.NONE
    if application.owner_id == viewer.pk:
        return Right.OWN
    held = Membership.objects.filter(application=application, person=viewer).values_list("right", flat=True).first()
    return Right(held or 0)


def within_reach(viewer: User, least: Right = Right.SEE, through: str = "") -> Q:
    """The applications with which the viewer may do `least`; `through` leads to them (`application__`)."""
    shared = Membership.objects.filter(person=viewer, right__gte=least).values("application")
    return Q(**{f"{through}owner": viewer}) | Q(**{f"{through}pk__in": shared})


def keepers_of(application: Application) -> list[User]:
    """Whose programs an application's are: its owner's, and theirs who manage it with them."""
    return [application.owner, *(each.person for each in application.members.all() if each.right >= Right.MANAGE)]


def affected_by(api: Api) -> dict[User, list[str]]:
    """The people whose applications may call the API or wait to, with the names of these applications."""
    rows = Subscription.objects.filter(api=api).exclude(state=SubscriptionState.REJECTED)
    whole = rows.select_related("application__owner").prefetch_related("application__members__person")
    found: dict[User, list[str]] = {}
    for row in whole.order_by("application__name_key"):
        for person in keepers_of(row.application):
            found.setdefault(person, []).append(row.application.name)
    return {person: names for person, names in found.items() if person.is_active}


def members_of(application: Application) -> QuerySet[Membership]:
    """With whom an application is shared, by name."""
    return application.members.select_related("person").order_by("person__username_key")


def makings_in(application: Application) -> dict[int, tuple[int, int]]:
    """How many tokens and secrets each person made of an application that is not theirs. They end with their right."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    made = TokenMaker.objects.filter(token__application__application=application).values_list("person")
    further = ClientSecret.objects.filter(client__application=application, by__isnull=False).values_list("by")
    first = OAuthClient.objects.filter(application=application, secret_by__isnull=False).values_list("secret_by")
    for what, rows in (("tokens", made), ("secrets", further), ("secrets", first)):
        for person, number in rows.annotate(Count("pk")):
            counts[person][what] += number
    return {person: (found["tokens"], found["secrets"]) for person, found in counts.items()}


def makings_of(person: User) -> dict[Application, tuple[int, int]]:
    """How many tokens and secrets somebody made of each application that is shared with them."""
    shared = Application.objects.filter(members__person=person).exclude(owner=person).select_related("owner")
    made = {application: makings_in(application).get(person.pk, (0, 0)) for application in shared}
    return {application: numbers for application, numbers in made.items() if any(numbers)}


def get_member(application: Application, pk: int) -> Membership:
    """One of them. Raises MemberNotFound."""
    member = members_of(application).select_related("application__owner").filter(pk=pk).first()
    if member is None:
        raise MemberNotFound
    return member
