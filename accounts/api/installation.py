"""What administrators change while the product runs, at `/api/am/admin/v4/settings`."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import installation, operations
from accounts.models import InstallationSettings
from accounts.permissions import require_manage_settings
from accounts.rest import Resource, who_may
from core.rest.documents import Strict, answers

NAMES = {
    "approve_applications": "approveApplications",
    "approve_keys": "approveProductionKeys",
    "approve_steps": "approveLifecycle",
    "anonymous_browsing": "anonymousBrowsing",
    "second_factor_needed": "secondFactorNeeded",
    "sign_up": "signUp",
}


class InstallationDocument(Strict):
    """The settings of the page of that name. What is left out of a change stays."""

    signUp = serializers.ChoiceField(InstallationSettings.SignUp.choices, source="sign_up")
    approveApplications = serializers.BooleanField(source="approve_applications")
    approveProductionKeys = serializers.BooleanField(source="approve_keys")
    approveLifecycle = serializers.ListField(
        source="approve_steps",
        child=serializers.ChoiceField(settings.LIFECYCLE_ACTIONS),
        help_text="Steps in the lives of APIs that an administrator approves, beside those of the environment.",
    )
    anonymousBrowsing = serializers.BooleanField(source="anonymous_browsing")
    secondFactorNeeded = serializers.BooleanField(source="second_factor_needed")
    notice = serializers.CharField(allow_blank=True, help_text="On every page; empty for none.")


class InstallationSettingsResource(Resource):
    """The settings that are safe to change at run time."""

    permission_classes = who_may(require_manage_settings)
    field_names = NAMES

    @extend_schema(
        operation_id="getInstallationSettings",
        summary="Read the settings",
        tags=["Settings"],
        responses=answers({200: InstallationDocument}, 403),
    )
    def get(self, request: Request) -> Response:
        """As they are."""
        return Response(InstallationDocument(installation.current()).data)

    @extend_schema(
        operation_id="changeInstallationSettings",
        summary="Change some of the settings",
        tags=["Settings"],
        request=InstallationDocument,
        responses=answers({200: InstallationDocument}, 400, 403),
    )
    def patch(self, request: Request) -> Response:
        """They act in every process within about five seconds."""
        body = InstallationDocument(installation.current(), data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return Response(InstallationDocument(operations.save_settings(changes=body.validated_data, **self.by)).data)
