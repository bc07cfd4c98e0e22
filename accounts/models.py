"""People and what they did."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower

from accounts.roles import Role, in_order


class People(UserManager["User"]):
    """Finds people by name in any case, as the constraint on names does."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of a name as typed at sign-in."""
        return self.get(username__iexact=username)


class User(AbstractUser):
    """A person, or a service account when `is_service` is set. What it may do is said by its roles."""

    audit_kind: ClassVar = "user"

    is_service = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)

    objects: ClassVar[People] = People()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("username"), name="username_unique_in_any_case")]

    def audit_detail(self) -> dict[str, Any]:
        """What every record of it says."""
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
    def display_name(self) -> str:
        """What other people see: the full name if there is one, else the username."""
        return self.get_full_name() or self.username


class RoleGrant(models.Model):
    """One role that one user holds."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=16, choices=[(role.value, role.value.title()) for role in Role])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "role"], name="role_held_once")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role}"
