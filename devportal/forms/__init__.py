"""What people type into the developer portal. These forms validate and save nothing; operations have the last word.

applications    a new one, an old one's new description, and what administrators ask of each
keys            the keys of an application, and a token of theirs
members         with whom it is shared
subscriptions   under which plan it calls an API
"""

from devportal.forms.applications import EXISTING, ApplicationForm, StartForm, WizardApplicationForm
from devportal.forms.keys import KeysForm, MappingForm, TokenForm, WizardKeysForm
from devportal.forms.members import MemberForm
from devportal.forms.subscriptions import PlanForm

__all__ = [
    "EXISTING",
    "ApplicationForm",
    "KeysForm",
    "MappingForm",
    "MemberForm",
    "PlanForm",
    "StartForm",
    "TokenForm",
    "WizardApplicationForm",
    "WizardKeysForm",
]
