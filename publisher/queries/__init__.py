"""What may be read of the Publisher's APIs, scoped to the viewer. All reads are asked for here, by name.

apis        one's APIs, in lists and singly; who may see them; names and addresses that are taken
searching   which of them fit what somebody typed
plans, categories   what administrators made for them
versions    the versions of one API
revisions   what was deployed, and what may be again
lifecycles  how an API came to its state, and requests for approval
"""

from publisher.queries.apis import (
    DEFAULT_SORT,
    SORTS,
    ApiNotFound,
    ImportDraftNotFound,
    apis_among,
    apis_for,
    base_of,
    design_of,
    get_api_for,
    get_import_draft,
    holder_of_context,
    holder_of_name,
    names_of_apis,
    relatives_of,
    search_apis,
    tenants,
    visible_to,
)
from publisher.queries.categories import (
    CategoryNotFound,
    UnknownCategory,
    all_categories,
    categories_named,
    get_category,
)
from publisher.queries.lifecycles import (
    LifecycleRequestNotFound,
    changes_of,
    get_lifecycle_request,
    last_rejection_of,
    lifecycle_history,
    pending_request_of,
    requests_of_lifecycles,
)
from publisher.queries.plans import PlanNotFound, UnknownPlan, all_plans, get_plan, known_plans, plans_named, plans_of
from publisher.queries.revisions import (
    RevisionNotFound,
    deployed_changes,
    get_revision_of,
    last_deployed,
    next_revision_number,
    revisions_of,
    who_goes,
)
from publisher.queries.searching import LOOKUPS, NAMED, Lookup, has_property, in_category, lookups_for
from publisher.queries.versions import (
    context_is_open,
    default_version_of,
    deployed_versions_of,
    older_versions_of,
    versions_of,
)

__all__ = [
    "DEFAULT_SORT",
    "LOOKUPS",
    "NAMED",
    "SORTS",
    "ApiNotFound",
    "CategoryNotFound",
    "ImportDraftNotFound",
    "LifecycleRequestNotFound",
    "Lookup",
    "PlanNotFound",
    "RevisionNotFound",
    "UnknownCategory",
    "UnknownPlan",
    "all_categories",
    "all_plans",
    "apis_among",
    "apis_for",
    "base_of",
    "categories_named",
    "changes_of",
    "context_is_open",
    "default_version_of",
    "deployed_changes",
    "deployed_versions_of",
    "design_of",
    "get_api_for",
    "get_category",
    "get_import_draft",
    "get_lifecycle_request",
    "get_plan",
    "get_revision_of",
    "has_property",
    "holder_of_context",
    "holder_of_name",
    "in_category",
    "known_plans",
    "last_deployed",
    "last_rejection_of",
    "lifecycle_history",
    "lookups_for",
    "names_of_apis",
    "next_revision_number",
    "older_versions_of",
    "pending_request_of",
    "plans_named",
    "plans_of",
    "relatives_of",
    "requests_of_lifecycles",
    "revisions_of",
    "search_apis",
    "tenants",
    "versions_of",
    "visible_to",
    "who_goes",
]
