"""What may be done to an API. Every operation is keyword-only, atomic, and one row or more in the audit log.

`actor` is who does it, `now` when. Operations never change the row object they are given: they return the row
as it is afterwards. `seen`, where offered, is the `updated_at` that the person had before their eyes; when the
design has changed since, ChangedMeanwhile is raised and nothing is written. `base` guards field by field.
"""

from publisher.operations.common import AlreadyExists, ChangedMeanwhile, NotReadyToPublish
from publisher.operations.deployments import (
    AlreadyDeployed,
    CannotDeploy,
    NotDeployed,
    create_revision,
    deploy_revision,
    is_design,
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
from publisher.operations.plans import PlanExists, PlanInUse, create_plan, delete_plan, update_plan
from publisher.operations.samples import deploy_sample
from publisher.operations.transitions import TransitionLost, transition_api

__all__ = [
    "AlreadyDeployed",
    "AlreadyExists",
    "CannotDeploy",
    "ChangedMeanwhile",
    "ContextIsFixed",
    "NotDeployed",
    "NotReadyToPublish",
    "PlanExists",
    "PlanInUse",
    "PlansNeeded",
    "TransitionLost",
    "create_api",
    "create_plan",
    "create_revision",
    "create_version",
    "delete_api",
    "delete_plan",
    "deploy_revision",
    "deploy_sample",
    "is_design",
    "restore_revision",
    "transition_api",
    "undeploy",
    "update_api",
    "update_plan",
]
