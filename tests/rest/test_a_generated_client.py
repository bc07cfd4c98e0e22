"""The way of an API with bodies as a client generated from WSO2's Publisher description sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from publisher.models import Api
from tests.devportal import builders as subscribers
from tests.publisher.builders import BACKEND, give_role
from tests.rest.conftest import DEVPORTAL, PUBLISHER

pytestmark = pytest.mark.usefixtures("default_plans")

NO_POLICIES: dict[str, list[Any]] = {"request": [], "response": [], "fault": []}


def operation(target: str, verb: str) -> dict[str, Any]:
    """One operation with all that a generated model fills in by itself."""
    return {
        "id": "",
        "target": target,
        "verb": verb,
        "authType": "Any",
        "throttlingPolicy": "Unlimited",
        "scopes": [],
        "usedProductIds": [],
        "amznResourceName": None,
        "amznResourceTimeout": None,
        "payloadSchema": None,
        "uriMapping": None,
        "operationPolicies": NO_POLICIES,
    }


API: dict[str, Any] = {
    "name": "Prices",
    "displayName": "Prices",
    "description": "Prices of everything, as they change.",
    "context": "prices",
    "version": "1.0.0",
    "provider": None,
    "lifeCycleStatus": "CREATED",
    "responseCachingEnabled": False,
    "cacheTimeout": 300,
    "hasThumbnail": False,
    "isDefaultVersion": False,
    "isRevision": False,
    "revisionedApiId": None,
    "revisionId": 0,
    "enableSchemaValidation": False,
    "type": "WS",
    "audience": "PUBLIC",
    "audiences": [],
    "transport": ["ws", "wss"],
    "tags": ["prices"],
    "policies": ["AsyncGold", "AsyncUnlimited"],
    "organizationPolicies": [],
    "apiThrottlingPolicy": "Unlimited",
    "authorizationHeader": "Authorization",
    "apiKeyHeader": "ApiKey",
    "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"],
    "maxTps": None,
    "visibility": "PUBLIC",
    "visibleRoles": [],
    "visibleTenants": [],
    "mediationPolicies": [],
    "apiPolicies": NO_POLICIES,
    "subscriptionAvailability": "CURRENT_TENANT",
    "subscriptionAvailableTenants": [],
    "additionalProperties": [],
    "additionalPropertiesMap": {},
    "monetization": {"enabled": False, "properties": {}},
    "accessControl": "NONE",
    "accessControlRoles": [],
    "businessInformation": {"businessOwner": None, "businessOwnerEmail": None},
    "corsConfiguration": {
        "corsConfigurationEnabled": False,
        "accessControlAllowOrigins": ["*"],
        "accessControlAllowCredentials": False,
        "accessControlAllowHeaders": ["authorization", "Content-Type"],
        "accessControlAllowMethods": ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"],
    },
    "websubSubscriptionConfiguration": {
        "enable": False,
        "secret": "",
        "signingAlgorithm": "SHA1",
        "signatureHeader": "x-hub-signature",
    },
    "endpointConfig": {
        "endpoint_type": "ws",
        "production_endpoints": {
            "url": BACKEND,
            "config": {
                "suspendDuration": "20000",
                "suspendMaxDuration": "90000",
                "factor": "1.5",
                "suspendErrorCode": [],
                "retryErroCode": [],
                "retryTimeOut": "0",
                "retryDelay": "",
                "actionSelect": "fault",
                "actionDuration": "",
            },
        },
        "sandbox_endpoints": {"url": BACKEND},
        "failOver": False,
    },
    "endpointImplementationType": "ENDPOINT",
    "scopes": [],
    "operations": [operation("/*", "SUBSCRIBE"), operation("/*", "PUBLISH")],
    "threatProtectionPolicies": {"list": []},
    "categories": [],
    "keyManagers": None,
    "serviceInfo": {"key": None, "name": None, "version": None, "outdated": False},
    "advertiseInfo": {"advertised": False, "apiOwner": None, "originalDevPortalUrl": None, "vendor": "WSO2"},
    "gatewayVendor": "wso2",
    "gatewayType": "wso2/synapse",
    "asyncTransportProtocols": [],
}
ENVIRONMENT = [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True, "status": "CREATED"}]


class Publisher:
    """A session of somebody who is creator and publisher at once."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer of a call that must have this status."""
        answer = getattr(self.client, method)(f"{PUBLISHER}{path}", body, content_type="application/json")
        assert answer.status_code == status, answer.json()
        return answer.json() if answer.content else None


@pytest.fixture
def publisher(alice: User, signed_in: Callable[[User], Client]) -> Publisher:
    """Alice, who publishes too."""
    return Publisher(signed_in(give_role(alice, Role.PUBLISHER)))


def test_an_api_is_made_changed_deployed_published_subscribed_to_and_taken_away(
    publisher: Publisher, carol: User, signed_in: Callable[[User], Client]
) -> None:
    made = publisher("post", "/apis?openAPIVersion=v3", API, status=201)
    path, query = f"/apis/{made['id']}", f"apiId={made['id']}"
    assert made["policies"] == ["Gold", "Unlimited"]
    assert made["endpointConfig"]["options"]["suspend_initial"] == 20
    assert Api.objects.get().topics == []

    rooms = [operation("/rooms/{id}", "SUBSCRIBE"), operation("/rooms/{id}", "PUBLISH")]
    changed = publisher("put", path, {**made, "operations": rooms, "policies": ["AsyncSilver"]})
    assert [each["target"] for each in changed["operations"]] == ["/rooms/{id}", "/rooms/{id}"]
    assert publisher("put", path, changed) == changed

    revision = publisher("post", f"{path}/revisions", {"description": "First."}, status=201)
    deployed = publisher("post", f"{path}/deploy-revision?revisionId={revision['id']}", ENVIRONMENT)
    assert deployed[0]["status"] == "APPROVED"
    publish = f"/apis/change-lifecycle?{query}&action=Publish"
    assert publisher("post", publish)["lifecycleState"]["state"] == "Published"
    assert publisher("post", publish)["lifecycleState"]["state"] == "Published"
    found = publisher("get", "/apis?query=tags:prices%20type:WS%20content:everything&sortBy=updatedTime")
    assert [each["id"] for each in found["list"]] == [made["id"]]

    developer = signed_in(carol)
    application = subscribers.application(carol)
    wish = {"apiId": made["id"], "applicationId": str(application.pk), "throttlingPolicy": "Silver"}
    subscribed = developer.post(f"{DEVPORTAL}/subscriptions", wish, content_type="application/json")
    assert subscribed.json()["status"] == "UNBLOCKED"
    assert publisher("get", f"/subscriptions?{query}")["count"] == 1

    copy = publisher("post", f"/apis/copy-api?newVersion=2.0.0&defaultVersion=false&{query}", status=201)
    assert copy["operations"] == changed["operations"]
    undeploy = f"{path}/undeploy-revision?revisionId={revision['id']}&revisionNumber=1&allEnvironments=false"
    assert publisher("post", undeploy, [{**ENVIRONMENT[0], **deployed[0]}]) == []
    publisher("delete", path)
    publisher("get", path, status=404)
