"""Components as a caller sees them, and the rules that all templates and styles keep."""

import re
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ROOT / "templates" / "components"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))


EVERYWHERE = [
    '<c-card title="X"><c-tag>X</c-tag></c-card>',
    '<c-url value="X" /><c-copy text="X" /><c-glyph name="X" />',
    '<c-empty title="X" text="X" /><c-head title="X" sentence="X" />',
    '<c-confirm id="a" title="X" word="X">.</c-confirm>',
    '<c-event who="X">X</c-event><c-step title="X" note="X" /><c-fact label="X">X</c-fact>',
    '<c-token-once value="X" /><c-code id="c" text="X" title="X" /><c-figure label="X" value="X" />',
    '<c-button :href="x" :label="x">X</c-button><c-menu id="m" label="X" /><c-search value="X" />',
]


def draw(source: str, **context: object) -> str:
    """What a browser gets for a template, blanks folded."""
    from django_cotton.compiler_regex import CottonCompiler

    html = Template(CottonCompiler().process(source)).render(Context(context))
    return re.sub(r" ?(>)", r"\1", re.sub(r"\s+", " ", html)).strip()


class Order(forms.Form):
    """A form with the kinds of field that components draw."""

    name = forms.CharField(help_text="Letters & digits.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    agreed = forms.BooleanField(label="I agree")
    plans = forms.MultipleChoiceField(choices=[("gold", "Gold")], widget=forms.CheckboxSelectMultiple)


def test_a_field_ties_label_hint_and_error_to_its_control() -> None:
    html = draw('<c-field :field="form.name" mono="1" />', form=Order({}))
    assert '<label class="field-label" dir="auto" for="id_name">Name' in html
    assert 'aria-describedby="id_name_error id_name_hint"' in html
    assert 'aria-invalid="true"' in html
    assert 'class="control control-mono"' in html
    assert 'id="id_name_error"' in html
    assert '<p class="field-hint" dir="auto" id="id_name_hint">Letters &amp; digits.</p>' in html


def test_a_field_that_is_right_says_nothing_of_errors() -> None:
    html = draw('<c-field :field="form.name" valid="Answered in 3 ms" />', form=Order({"name": "x"}))
    assert "aria-invalid" not in html
    assert "_error" not in html
    assert "Answered in 3 ms" in html


def test_a_field_that_may_stay_empty_says_so() -> None:
    assert "optional" in draw('<c-field :field="form.note" />', form=Order())
    assert "optional" not in draw('<c-field :field="form.name" />', form=Order())


def test_a_field_hands_attributes_it_does_not_know_to_its_control() -> None:
    html = draw('<c-field :field="form.name" placeholder="Echo" data-check="context" autofocus="1" />', form=Order())
    assert 'placeholder="Echo"' in html
    assert 'data-check="context"' in html
    assert 'autofocus="1"' in html


def test_a_checkbox_stands_before_its_label() -> None:
    html = draw('<c-field :field="form.agreed" hint="Really." />', form=Order())
    assert html.index('type="checkbox"') < html.index("I agree")
    assert 'class="tick"' in html


def test_choices_come_from_the_field_or_from_the_slot() -> None:
    assert 'name="plans" value="gold"' in draw('<c-choices :field="form.plans" />', form=Order())
    own = draw(
        '<c-choices :field="form.plans"><c-choice name="plans" value="own" title="Own" /></c-choices>', form=Order()
    )
    assert 'value="own"' in own
    assert 'value="gold"' not in own


def test_wrong_choices_say_so_and_can_take_the_focus() -> None:
    html = draw('<c-choices :field="form.plans" />', form=Order({}))
    assert 'data-invalid tabindex="-1"' in html
    assert "This field is required." in html


def test_text_that_people_typed_is_escaped_wherever_a_component_shows_it() -> None:
    bad = '"><script>alert(1)</script>'
    source = "".join(part.replace("X", "{{ x }}") for part in EVERYWHERE)
    html = draw(source, x=bad)
    assert "<script" not in html
    assert "alert(1)" in html


def test_a_confirmation_posts_with_a_token_and_waits_for_its_word() -> None:
    html = draw(
        '<c-confirm id="d" title="Delete?" action="/x" submit="Delete" word="Echo">Gone.</c-confirm>',
        csrf_token="t0k3n",
    )
    assert 'method="post" action="/x"' in html
    assert 'data-word="Echo"' in html
    assert "button-danger" in html


def test_a_button_is_a_link_when_it_has_an_address() -> None:
    assert draw('<c-button href="/x">Go</c-button>').startswith('<a href="/x"')
    assert 'type="submit"' in draw("<c-button>Go</c-button>")
    assert 'type="button" commandfor="d" command="show-modal"' in draw('<c-button opens="d">Go</c-button>')


def test_a_button_with_only_an_icon_has_a_name() -> None:
    assert 'aria-label="Delete it"' in draw('<c-button icon="trash-2" label="Delete it" />')


def test_an_entry_without_a_page_is_not_drawn() -> None:
    assert draw('<c-nav-item to="publisher:no-such-page" label="Later" />') == ""
    assert 'href="/devportal/sign-up"' in draw('<c-nav-item to="accounts:sign-up" label="Now" />')


def test_a_table_without_rows_says_its_sentence() -> None:
    assert "No rows." in draw('<c-table caption="T" empty="No rows."></c-table>')
    assert "No rows." not in draw('<c-table caption="T" empty="No rows."><tr><td>1</td></tr></c-table>')


def test_a_component_does_not_see_the_page_around_it() -> None:
    assert draw("<c-tag>{{ title }}</c-tag><c-card>b</c-card>", title="leak").count("leak") == 1


def test_the_catalogue_lists_every_component_and_no_other() -> None:
    listed = set(re.findall(r"`c-([a-z-]+)`", (COMPONENTS / "README.md").read_text()))
    assert listed == {path.stem.replace("_", "-") for path in COMPONENTS.glob("*.html")}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_needs_what_the_content_security_policy_refuses(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<style" not in text


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_every_style_stands_in_a_layer(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL).strip()
    assert text.startswith("@layer"), f"{path.name} is outside the layers"


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_colours_come_from_the_meanings(path: Path) -> None:
    if path.name not in ("tokens.css", "glyph.css"):  # a glyph's hue comes from a name
        assert not re.search(r"oklch\(|rgba?\(|hsla?\(|: *#[0-9a-f]{3,8}\b", path.read_text())


def test_the_one_stylesheet_imports_every_other() -> None:
    imported = set(re.findall(r'@import url\("(.+?)"\)', (ROOT / "static" / "css" / "app.css").read_text()))
    linked = {name for path in TEMPLATES for name in re.findall(r"css/([a-z-]+\.css)", path.read_text())}
    assert imported | linked == {path.name for path in STYLES}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_behaviour_is_short_and_says_what_it_does(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("//")
    assert sum(bool(line) and not line.startswith("import ") for line in lines) <= 95  # most are under 80


def test_light_and_dark_are_decided_in_one_place() -> None:
    users = [path.name for path in STYLES if "light-dark(" in path.read_text()]
    assert users == ["tokens.css"]
