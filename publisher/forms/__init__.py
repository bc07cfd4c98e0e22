"""What a person sends to the Publisher's pages. A form validates and saves nothing; the operations have the rules."""

from publisher.forms.common import GuardedForm, in_words
from publisher.forms.designs import BasicInfoForm, CreateForm, PlansForm, RuntimeForm
from publisher.forms.endpoints import EndpointForm, TryForm
from publisher.forms.exchange import ImportForm, UploadForm
from publisher.forms.lifecycle import DeletionForm, RevisionForm, TransitionForm, VersionForm

__all__ = [
    "BasicInfoForm",
    "CreateForm",
    "DeletionForm",
    "EndpointForm",
    "GuardedForm",
    "ImportForm",
    "PlansForm",
    "RevisionForm",
    "RuntimeForm",
    "TransitionForm",
    "TryForm",
    "UploadForm",
    "VersionForm",
    "in_words",
]
