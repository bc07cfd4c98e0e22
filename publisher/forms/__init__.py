"""What a person sends to the Publisher's pages. A form validates and saves nothing; the operations have the rules."""

from publisher.forms.categories import CategoryForm
from publisher.forms.common import GuardedForm, in_words
from publisher.forms.definitions import CreateFromDefinitionForm, SourceForm, creation_of
from publisher.forms.designs import CreateForm, PlansForm
from publisher.forms.endpoints import EndpointForm, TryForm
from publisher.forms.exchange import ImportForm, UploadForm
from publisher.forms.lifecycle import BulkForm, DeletionForm, RevisionForm, TransitionForm, VersionForm
from publisher.forms.presentation import BasicInfoForm, BusinessInfoForm, PropertiesForm, ThumbnailForm
from publisher.forms.runtime import RuntimeForm
from publisher.forms.topics import MessageForm, TopicForm

__all__ = [
    "BasicInfoForm",
    "BulkForm",
    "BusinessInfoForm",
    "CategoryForm",
    "CreateForm",
    "CreateFromDefinitionForm",
    "DeletionForm",
    "EndpointForm",
    "GuardedForm",
    "ImportForm",
    "MessageForm",
    "PlansForm",
    "PropertiesForm",
    "RevisionForm",
    "RuntimeForm",
    "SourceForm",
    "ThumbnailForm",
    "TopicForm",
    "TransitionForm",
    "TryForm",
    "UploadForm",
    "VersionForm",
    "creation_of",
    "in_words",
]
