"""Under which plan an application calls an API."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Viewer
from devportal.forms.common import model_choice
from devportal.permissions import can_pick_plan
from publisher.models import Api, Plan
from publisher.queries import plans_of


class PlanForm(forms.Form):
    """Which of the API's plans. The `current` one may be kept also when it is offered to nobody new any more."""

    plan = forms.ModelChoiceField(
        label=_("Business plan"),
        queryset=Plan.objects.none(),
        to_field_name="name",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a plan."),
            "invalid_choice": _("The API is not offered under this plan any more. Choose another."),
        },
    )

    def __init__(self, *args: Any, api: Api, viewer: Viewer, current: Plan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer, self.current, offered = viewer, current, plans_of(api)
        self.is_withdrawn = current is not None and current not in offered
        self.plans = [current, *offered] if current and self.is_withdrawn else offered
        plan = model_choice(self, "plan")
        plan.queryset = Plan.objects.filter(pk__in=[each.pk for each in self.plans])
        allowed = [each for each in self.plans if each == current or can_pick_plan(viewer, each)]
        plan.initial = current.name if current else allowed[0].name if allowed else None

    def options(self) -> list[dict[str, Any]]:
        """What the page shows of each plan, and whether the viewer may choose it."""
        chosen = self["plan"].value()
        return [
            {
                "plan": each,
                "chosen": each.name == chosen,
                "allowed": each == self.current or can_pick_plan(self.viewer, each),
                "is_current": each == self.current,
            }
            for each in self.plans
        ]
