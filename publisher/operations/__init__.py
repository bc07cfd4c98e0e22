"""What may be done to an API. Every operation is keyword-only, atomic, and one row or more in the audit log.

`actor` is who does it, `now` when. Operations never change the row object they are given: they return the row
as it is afterwards. `seen`, where offered, is the `updated_at` that the person had before their eyes; when the
design has changed since, ChangedMeanwhile is raised and nothing is written. `base` guards field by field.
"""

from publisher.operations.categories import CategoryExists, create_category, delete_category, update_category
from publisher.operations.common import AlreadyExists, ChangedMeanwhile, NotReadyToPublish
from publisher.operations.deployments import (
    AlreadyDeployed,
    CannotDeploy,
    NotDeployed,
    RevisionInUse,
    create_revision,
    delete_revision,
    deploy_revision,
    like_design,
    restore_revision,
    undeploy,
)
from publisher.operations.designs import (
    ContextIsFixed,
    PlansNeeded,
    create_api,
    create_version,
    delete_api,
    update_api,
)
from publisher.operations.exchange import (
    document_of,
    drop_upload,
    forget_uploads,
    import_new,
    import_over,
    import_version,
    keep_upload,
    preview,
    read_document,
)
from publisher.operations.plans import PlanExists, PlanInUse, create_plan, delete_plan, update_plan
from publisher.operations.requests import (
    AlreadyRequested,
    NothingRequested,
    approve_request,
    asks_for_approval,
    move_api,
    reject_request,
    withdraw_request,
)
from publisher.operations.samples import deploy_sample
from publisher.operations.thumbnails import remove_thumbnail, set_thumbnail
from publisher.operations.topics import (
    GoneMeanwhile,
    delete_message,
    delete_topic,
    move_topic,
    save_message,
    save_topic,
)
from publisher.operations.transitions import TransitionLost, transition_api
from publisher.operations.working_copies import CannotTry, forget_working_copies, take_working_copy

__all__ = [
    "AlreadyDeployed",
    "AlreadyExists",
    "AlreadyRequested",
    "CannotDeploy",
    "CannotTry",
    "CategoryExists",
    "ChangedMeanwhile",
    "ContextIsFixed",
    "GoneMeanwhile",
    "NotDeployed",
    "NotReadyToPublish",
    "NothingRequested",
    "PlanExists",
    "PlanInUse",
    "PlansNeeded",
    "RevisionInUse",
    "TransitionLost",
    "approve_request",
    "asks_for_approval",
    "create_api",
    "create_category",
    "create_plan",
    "create_revision",
    "create_version",
    "delete_api",
    "delete_category",
    "delete_message",
    "delete_plan",
    "delete_revision",
    "delete_topic",
    "deploy_revision",
    "deploy_sample",
    "document_of",
    "drop_upload",
    "forget_uploads",
    "forget_working_copies",
    "import_new",
    "import_over",
    "import_version",
    "is_design",
    "keep_upload",
    "like_design",
    "move_api",
    "move_topic",
    "preview",
    "read_document",
    "reject_request",
    "remove_thumbnail",
    "restore_revision",
    "save_message",
    "save_topic",
    "set_thumbnail",
    "take_working_copy",
    "transition_api",
    "undeploy",
    "update_api",
    "update_category",
    "update_plan",
    "withdraw_request",
]
