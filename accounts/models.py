"""People and what they did."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext

from accounts.notification_kinds import TERMS, NotificationKind, on_one_line
from accounts.roles import Role, in_order
from core.folded import FoldedText, Folding, KeepsFolded, LookText
from core.sentences import Sentence

INVITED_FOR = timedelta(days=7)


class People(UserManager["User"]):
    """Finds people by name in any case and spelling, as the constraint on names does."""

    use_in_migrations = False

    def get_queryset(self) -> Folding[User]:
        """Rows whose folded columns stay true."""
        return Folding(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of a name as typed at sign-in."""
        return self.get(username_key=username)


class User(KeepsFolded, AbstractUser):
    """A person, or a service account when `is_service` is set. What it may do is said by its roles."""

    audit_kind: ClassVar = "user"

    is_service = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    awaits_approval = models.BooleanField(default=False)  # signed up, and not let in yet
    session_round = models.PositiveIntegerField(default=0)  # sessions of earlier rounds are over
    confirmed_email = models.EmailField(blank=True, default="")  # the address that this person has shown to be theirs

    time_zone = models.CharField(max_length=64, blank=True, default="")  # UTC where none was chosen
    language = models.CharField(max_length=16, blank=True, default="")  # as the browser says where none was chosen
    seen_language = models.CharField(max_length=16, blank=True, default="")  # what the browser said at the last sign-in

    username_key = FoldedText(of="username")
    first_name_key = FoldedText(of="first_name")
    last_name_key = FoldedText(of="last_name")
    email_key = FoldedText(of="email")
    username_look = LookText(of="username", db_index=True)

    objects: ClassVar[People] = People()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("username_key", name="username_unique_in_any_case")]

    def _get_session_auth_hash(self, secret: Any = None) -> str:
        # Django's question whether a session still counts: the password it was begun with, and now the round too.
        of_password: str = super()._get_session_auth_hash(secret=secret)
        return f"{of_password}.{self.session_round}" if self.session_round else of_password

    def audit_detail(self) -> dict[str, Any]:
        return {"user_id": self.pk, "username": self.username}

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles held, read once per object."""
        return frozenset(Role(held.role) for held in self.role_grants.all())

    @property
    def roles_in_order(self) -> list[Role]:
        """The roles held, in the order of the table of roles."""
        return in_order(self.roles)

    def has_role(self, *roles: Role) -> bool:
        """Whether the user is active and holds one of `roles`, or is an administrator."""
        return self.is_active and bool(self.roles & {*roles, Role.ADMIN})

    @property
    def may_be_mailed(self) -> bool:
        """Whether the address was shown to be theirs, and no other was typed since."""
        return bool(self.email) and self.email == self.confirmed_email

    @property
    def mail_language(self) -> str:
        """What to write to them in: what they chose, else what the Developer Portal spoke when they last signed in."""
        known = dict(settings.LANGUAGES)
        return next((code for code in (self.language, self.seen_language) if code in known), settings.LANGUAGE_CODE)

    @property
    def has_second_factor(self) -> bool:
        """Whether a password alone no longer signs them in: they have an authenticator app, or a passkey."""
        apps = SecondFactor.objects.filter(user=self).exclude(sealed="")
        return apps.exists() or Passkey.objects.filter(user=self).exists()

    @property
    def display_name(self) -> str:
        """What other people see: the full name if there is one, else the username."""
        return self.get_full_name() or self.username


class RoleGrant(models.Model):
    """One role that one user holds."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=16, choices=[(role.value, role.value.title()) for role in Role])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "role"], name="role_held_once")]


def _draft_id() -> str:
    return secrets.token_hex(Draft.ID_LENGTH // 2)


class Draft(models.Model):
    """A form that was sent in vain, or the page that answered one (`status`), sealed: see `accounts.drafts`.

    `client` is a digest of the address it came from, so that one cannot fill the table; those of strangers begin with
    `-`. `key` is never stored.
    """

    ID_LENGTH: ClassVar = 32
    KEPT: ClassVar = timedelta(hours=1)

    id = models.CharField(primary_key=True, max_length=32, default=_draft_id, editable=False)
    client = models.CharField(max_length=64, db_index=True)
    path = models.CharField(max_length=500)
    status = models.PositiveSmallIntegerField(default=0)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
    key = ""


class Notification(models.Model):
    """Something that one person is told: a sentence, and the path of the page that it is about.

    `sentence` is in English, as REST has it, and `said` keeps what it is made of (`core.sentences`).
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=16, choices=[(kind.value, terms.label) for kind, terms in TERMS.items()])
    sentence = models.CharField(max_length=500)
    said = models.TextField(blank=True, default="")
    link = models.CharField(max_length=300)
    created_at = models.DateTimeField(db_index=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="notifications_newest_first"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notifications_unread"),
        ]

    @property
    def label(self) -> str:
        """The kind in words."""
        return gettext(TERMS[NotificationKind(self.kind)].label)

    @property
    def in_words(self) -> str:
        """The sentence, in the language of whoever reads it now."""
        return on_one_line(str(Sentence.read(self.said))) if self.said else self.sentence


class NotificationChoice(models.Model):
    """How one person wants to be told of one kind, where they chose something else than what is usual."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notification_choices")
    kind = models.CharField(max_length=16, choices=[(kind.value, terms.label) for kind, terms in TERMS.items()])
    in_portal = models.BooleanField(default=True)
    by_mail = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "kind"], name="chosen_once_for_a_kind")]


class OutgoingMail(models.Model):
    """An e-mail that waits to be sent. Subject and text are sealed: they may hold a link that opens an account."""

    to = models.CharField(max_length=254)
    sealed = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)


class InstallationSettings(models.Model):
    """The one row of what administrators change while the product runs.

    `approve_steps` are lifecycle actions of APIs that an administrator has to approve.
    """

    audit_kind: ClassVar = "settings"

    class SignUp(models.TextChoices):
        OPEN = "open", "Everybody, at once"
        APPROVAL = "approval", "Everybody, after an administrator has approved it"
        CLOSED = "closed", "Nobody: administrators make the accounts"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sign_up = models.CharField(max_length=12, choices=SignUp, default=SignUp.OPEN)
    approve_applications = models.BooleanField(default=False)
    approve_keys = models.BooleanField(default=False)
    approve_steps = models.JSONField(default=list, blank=True)
    anonymous_browsing = models.BooleanField(default=True)
    notice = models.CharField(max_length=300, blank=True, default="")
    second_factor_needed = models.BooleanField(default=False)  # by whoever may enter the Publisher or administers

    def audit_detail(self) -> dict[str, Any]:
        return {}


class SignIn(models.Model):
    """A session that somebody began, under the digest of its key: where from, with what, and when it was last used."""

    session = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    address = models.CharField(max_length=45)
    agent = models.CharField(max_length=200)
    began_at = models.DateTimeField()
    used_at = models.DateTimeField()


class SecondFactor(models.Model):
    """Somebody's authenticator app, if they have one: its secret sealed, the last step whose code was taken.

    `wrong` counts codes that were wrong since the last right one, whatever they were for, and `wrong_at` is the last.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="second_factor")
    sealed = models.TextField(default="")
    last_step = models.BigIntegerField(default=0)
    since = models.DateTimeField(null=True)
    wrong = models.PositiveIntegerField(default=0)
    wrong_at = models.DateTimeField(null=True)


class RecoveryCode(models.Model):
    """A digest of a code that signs in once without the second factor. A used one is deleted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "digest"], name="recovery_code_of")]


class Passkey(models.Model):
    """A public key with which somebody signs in: see `accounts.passkeys`.

    Of what it signs, only what was asked for after `challenged_at` is taken.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.CharField(max_length=1400, unique=True)  # in base64url
    credential = models.BinaryField()
    handle = models.BinaryField()
    sign_count = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    challenged_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Invitation(models.Model):
    """Somebody who was invited by e-mail and has not come yet. A link of an earlier `round` is void."""

    audit_kind: ClassVar = "invitation"

    email = models.EmailField()
    email_key = FoldedText(of="email", unique=True)
    roles = models.JSONField()
    round = models.PositiveIntegerField(default=0)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(db_index=True)

    objects = Folding.as_manager()

    def audit_detail(self) -> dict[str, Any]:
        return {"email": self.email}

    @property
    def expires_at(self) -> datetime:
        """When its link is over."""
        return self.sent_at + INVITED_FOR
