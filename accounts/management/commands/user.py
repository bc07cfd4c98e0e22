"""`manage.py user`: accounts and roles from the server itself, also where no administrator can sign in any more."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import consequences, operations, queries
from accounts.models import User
from accounts.roles import MAY, Role
from core.errors import DomainError
from core.text import listed

ROLES = "\n".join(f"  {role.value:<12}{may}" for role, may in MAY.items())
ONE_TIME = "one-time password  {}\nIt is shown once. Hand it over by a safe way.\n"
HELP = (
    "List the users; or show, create, disable, enable one, set roles, a one-time password, end sessions, or reset the "
    "second factor."
)


class Command(BaseCommand):
    """Without a name it lists; with a name it shows; with an option it changes."""

    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        """The name and what shall become of it."""
        parser.add_argument("name", nargs="?", help="user name; without one all users are listed")
        parser.add_argument(
            "--role",
            action="append",
            choices=[role.value for role in Role],
            default=[],
            help="give a role; may be repeated. Creates the user if there is none of this name",
        )
        parser.add_argument(
            "--no-role",
            action="append",
            choices=[role.value for role in Role],
            default=[],
            help="take a role away; may be repeated",
        )
        parser.add_argument("--email", default="", help="e-mail address of a user who is created")
        change = parser.add_mutually_exclusive_group()
        change.add_argument("--disable", action="store_true", help="no sign-in, no token, no open connection")
        change.add_argument("--enable", action="store_true", help="take back --disable")
        change.add_argument("--reset-password", action="store_true", help="print a one-time password")
        change.add_argument(
            "--reset-second-factor", action="store_true", help="take app, passkeys and recovery codes away"
        )
        change.add_argument("--end-sessions", action="store_true", help="sign out of every browser")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what was done."""
        name = options["name"]
        try:
            if name is None:
                changes = ("role", "no_role", "email", "disable", "enable", "reset_password", "end_sessions")
                if options["reset_second_factor"] or any(options[each] for each in changes):
                    raise CommandError("Name the user: manage.py user NAME …")
                self._list(User.objects.prefetch_related("role_grants").order_by("username"))
            else:
                self._change(name, options)
        except DomainError as error:
            raise CommandError(str(error)) from None

    def _change(self, name: str, options: dict[str, Any]) -> None:
        given, taken = ({Role(each) for each in options[option]} for option in ("role", "no_role"))
        try:
            user = queries.user_named(name)
        except queries.UserNotFound as missing:
            if not given:
                raise CommandError(f"{missing} To create one, say what they may do:\n{ROLES}\n(--role ROLE)") from None
            new, password = {"username": name, "email": options["email"]}, operations.one_time_password()
            user = operations.create_user(**new, password=password, roles=given - taken, actor=None, now=timezone.now())
            self.stdout.write(ONE_TIME.format(password))
        else:
            if options["email"]:
                raise CommandError(f"There is a user called {user.username}; --email is for a new one only.")
        roles, now, held = (user.roles | given) - taken, timezone.now(), consequences.of(user)
        before = user.roles
        active = options["enable"] if options["enable"] or options["disable"] else None
        operations.change_user(user=user, roles=roles, active=active, actor=None, now=now)
        if options["disable"] and (held.applications or held.made_tokens or held.made_secrets):
            self.stdout.write(consequences.of_shutting_out(held))
        elif consequences.costs_rights(before, roles) and held.applications:
            self.stdout.write(consequences.of_losing_rights(held))
        if options["reset_password"]:
            self.stdout.write(ONE_TIME.format(operations.reset_password(user=user, actor=None, now=now)))
        if options["reset_second_factor"]:
            operations.reset_second_factor(user=user, actor=None, now=now)
        if options["end_sessions"]:
            operations.end_sessions(user=user, actor=None, now=now)
        self._list([queries.user_named(name)])

    def _list(self, users: Iterable[User]) -> None:
        for user in users:
            roles = listed([role.value for role in user.roles_in_order]) or "no role"
            marks = [word for word, holds in (("disabled", not user.is_active), ("service", user.is_service)) if holds]
            self.stdout.write("  ".join([f"{user.username:<24}", roles, *marks]))
