"""Rows and constraints of the Publisher.

apis                an API as its designers see it, and its picture
plans, categories   what administrators make for APIs
documents, scopes, comments   what hangs on an API
revisions           what was deployed or is tried out, and what changed
lifecycle_requests  steps that wait for approval
search_texts        what APIs are found by
import_drafts       files that wait to become APIs
"""

from publisher.models.apis import Api, FoldedProperties, Thumbnail
from publisher.models.categories import Category
from publisher.models.comments import Comment
from publisher.models.documents import Document, DocumentFile
from publisher.models.import_drafts import ImportDraft
from publisher.models.lifecycle_requests import LifecycleRequest
from publisher.models.plans import Plan
from publisher.models.revisions import DeployedChange, Revision, WorkingCopy
from publisher.models.scopes import Scope
from publisher.models.search_texts import SearchText

__all__ = [
    "Api",
    "Category",
    "Comment",
    "DeployedChange",
    "Document",
    "DocumentFile",
    "FoldedProperties",
    "ImportDraft",
    "LifecycleRequest",
    "Plan",
    "Revision",
    "Scope",
    "SearchText",
    "Thumbnail",
    "WorkingCopy",
]
