"""Every component in a real browser: how it looks to a machine, and how it behaves under the hands."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.accounts.conftest import Open
from tests.accounts.gallery.urls import API
from tests.journeys.barriers import barriers
from tests.journeys.measures import faults

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("gallery")]

ID = API["pk"]
PAGES = [
    "/publisher/apis",
    "/publisher/create",
    "/publisher/create?wrong=1",
    f"/publisher/apis/{ID}",
    f"/publisher/apis/{ID}/lifecycle",
    "/devportal/",
    "/devportal/applications",
    f"/devportal/apis/{ID}/wizard",
]
# What no page of the product shows when it is visited: errors in a form, and a list with everything in it.
EVERYTHING = ["/publisher/create?wrong=1", "/devportal/applications"]


@pytest.mark.parametrize("path", EVERYTHING)
def test_a_page_stands_in_nobodys_way(show: Open, path: str) -> None:
    found = barriers(show(path, reduced_motion="reduce"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_and_used_at_every_width(show: Open, path: str) -> None:
    found = faults(show(path, reduced_motion="reduce"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("width", "columns"), [(820, 1), (1024, 1), (1025, 2), (1440, 2)])
def test_the_navigation_and_the_second_column_stand_beside_from_1025_pixels_on(
    show: Open, width: int, columns: int
) -> None:
    page = show(f"/publisher/apis/{ID}", width=width)
    expect(page.get_by_role("navigation", name="Publisher")).to_be_visible(visible=columns == 2)
    tracks = page.locator(".columns").first.evaluate("it => getComputedStyle(it).gridTemplateColumns.split(' ').length")
    assert tracks == columns


def test_a_wide_screen_has_its_page_and_top_bar_in_the_middle(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}", width=1920)
    left, right = page.evaluate(
        "() => { const box = document.querySelector('.head').getBoundingClientRect(); return [box.left, box.right] }"
    )
    bar = page.evaluate("() => document.querySelector('.crumbs').getBoundingClientRect().left")
    assert right - left == 1440 - 2 * 28
    assert left - 236 == 1920 - right
    assert bar == left


@pytest.mark.parametrize("width", [390, 1024])
def test_a_narrow_screen_has_its_navigation_in_a_drawer(show: Open, width: int) -> None:
    page = show(f"/publisher/apis/{ID}", width=width)
    opener, nav = page.get_by_role("button", name="Open navigation"), page.get_by_role("navigation", name="Publisher")
    expect(nav).not_to_be_visible()
    opener.click()
    expect(nav.get_by_role("link", name="Lifecycle")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(nav).not_to_be_visible()
    expect(opener).to_be_focused()


def test_a_phone_without_scripts_opens_its_drawer_too(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}", width=390, scripts=False)
    page.get_by_label("Open navigation").click()
    expect(page.get_by_role("link", name="Lifecycle")).to_be_in_viewport()


def test_the_theme_changes_at_once_and_stays_on_the_next_page(show: Open) -> None:
    page = show("/publisher/apis", color_scheme="light")
    page.get_by_role("button", name="Account").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


def test_without_scripts_the_theme_comes_back_to_the_same_page(show: Open) -> None:
    page = show("/publisher/apis?q=echo", scripts=False)
    page.get_by_label("Account").click()
    page.get_by_role("button", name="Dark").click()
    expect(page).to_have_url("**/publisher/apis?q=echo".replace("**", page.url.split("/publisher")[0]))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_account_menu_opens_under_its_button_and_closes_by_escape(show: Open) -> None:
    page = show("/publisher/apis")
    button = page.get_by_role("button", name="Account")
    button.click()
    menu = page.locator("#account-menu")
    expect(menu.get_by_role("link", name="Change password")).to_be_visible()
    box, at = menu.bounding_box(), button.bounding_box()
    assert box
    assert at
    assert box["y"] >= at["y"] + at["height"] - 1
    assert box["x"] + box["width"] <= 1440
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("link", name="Your account")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()


def test_signing_out_stands_in_the_account_menu(show: Open) -> None:
    page = show("/publisher/apis")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_slash_key_finds_the_search_and_escape_leaves_it(show: Open) -> None:
    page = show("/publisher/apis")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search APIs")
    expect(search).to_be_focused()
    search.fill("echo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/publisher/apis?q=echo")
    expect(page.get_by_role("searchbox")).to_have_value("echo")


def test_a_slash_typed_into_a_field_stays_there(show: Open) -> None:
    page = show("/publisher/create")
    page.get_by_label("Context").focus()
    page.keyboard.type("/echo")
    expect(page.get_by_label("Context")).to_have_value("/echo")


def test_copying_puts_the_text_on_the_clipboard_and_says_so(show: Open) -> None:
    page = show(f"/devportal/apis/{ID}/wizard")
    button = page.get_by_role("button", name="Copy Access token")
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.locator("#announcements")).to_have_text("Copied")
    token = page.locator("#token").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == token
    expect(button).to_have_text("Copy")


def test_tabs_go_by_click_and_by_arrow_keys(show: Open) -> None:
    page = show(f"/devportal/apis/{ID}/wizard")
    page.get_by_role("tab", name="Browser").click()
    expect(page.get_by_role("tabpanel", name="Browser")).to_be_visible()
    expect(page.locator("#code-wscat")).not_to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Node")).to_be_focused()
    expect(page.locator("#code-node")).to_be_visible()


def test_without_scripts_every_tab_stands_open(show: Open) -> None:
    page = show(f"/devportal/apis/{ID}/wizard", scripts=False)
    for name in ("wscat", "browser", "node"):
        expect(page.locator(f"#code-{name}")).to_be_visible()


def test_a_dialog_opens_closes_and_gives_the_focus_back(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}")
    opener = page.get_by_role("button", name="New version")
    opener.click()
    dialog = page.get_by_role("dialog", name="New version")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(opener).to_be_focused()


def test_a_deletion_waits_for_its_word(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}/lifecycle")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete EchoWebSocket?")
    last = dialog.get_by_role("button", name="Delete")
    expect(last).to_be_disabled()
    dialog.get_by_role("textbox").fill("echowebsocket")
    expect(last).to_be_disabled()
    dialog.get_by_role("textbox").fill("EchoWebSocket")
    expect(last).to_be_enabled()


def test_a_form_that_failed_has_the_focus_on_its_first_error(show: Open) -> None:
    page = show("/publisher/create?wrong=1")
    expect(page.get_by_label("Context")).to_be_focused()


def test_a_form_is_sent_once_and_shows_that_it_is_busy(show: Open) -> None:
    page = show("/devportal/sign-in", signed_in=False)
    sent: list[str] = []
    page.route("**/devportal/sign-in", lambda route: (sent.append(route.request.method), route.fulfill(status=204)))
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill("wrong")
    button = page.get_by_role("button", name="Sign in")
    button.click(no_wait_after=True)
    expect(button).to_have_attribute("aria-busy", "true")
    button.click(no_wait_after=True)
    page.keyboard.press("Enter")
    assert sent == ["POST"]


def test_a_page_with_changes_asks_before_they_are_lost(show: Open) -> None:
    page = show("/publisher/create")
    page.get_by_label("Name").press_sequentially("Echo")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="APIs").first.click()
    page.wait_for_url("**/publisher/apis")
    assert asked == ["beforeunload"]


def test_a_password_can_be_shown(show: Open) -> None:
    page = show("/devportal/sign-in", signed_in=False)
    field = page.get_by_label("Password", exact=True)
    page.get_by_role("button", name="Show the password").click()
    expect(field).to_have_attribute("type", "text")


def test_picking_all_rows_picks_each(show: Open) -> None:
    page = show("/devportal/applications")
    page.get_by_label("All", exact=True).check()
    expect(page.get_by_label("Pick 2")).to_be_checked()
    page.get_by_label("Pick 2").uncheck()
    assert page.get_by_label("All", exact=True).evaluate("box => box.indeterminate")


def test_signing_in_works_without_scripts_and_a_message_comes_as_a_toast(show: Open, carol: User) -> None:
    page = show("/devportal/sign-in?next=/devportal/account", signed_in=False, scripts=False)
    page.get_by_label("Username").fill("carol")
    page.get_by_role("textbox", name="Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("First name").fill("Carol")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Your account was saved.")).to_be_visible()
    expect(page.get_by_label("First name")).to_have_value("Carol")


def test_the_first_tab_stop_skips_to_the_page(show: Open) -> None:
    page = show("/publisher/apis")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_a_time_goes_on_by_itself_and_says_when_it_is_over(show: Open) -> None:
    page = show("/devportal/applications")
    made, ends = page.locator("#facts time").first, page.locator("#facts time[data-expires]")
    page.clock.install(time=page.evaluate("new Date()"))
    page.reload()
    expect(made).to_have_text("just now")
    expect(ends).to_have_text("expires in 3 minutes")
    page.clock.run_for(125_000)
    expect(made).to_have_text("2 minutes ago")
    expect(ends).to_have_text("expires in less than a minute")
    page.clock.run_for(60_000)
    expect(ends).to_have_text("expired just now")
    expect(ends).to_have_attribute("data-expired", "")


def test_an_address_has_both_schemes_in_one_box_and_is_copied_whole(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}", width=390)
    box = page.get_by_role("group", name="Address").first
    plain, secure = "ws://gateway.eu-central.example.com:9099", "wss://gateway.eu-central.example.com:8099"
    expect(box.get_by_text(plain, exact=False)).to_be_visible()
    box.get_by_role("radio", name="WSS").focus()
    page.keyboard.press("Space")
    expect(box.get_by_text(plain, exact=False)).not_to_be_visible()
    box.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == f"{secure}/echowebsocket/1.0.0"


def test_an_address_is_switched_and_selected_whole_without_scripts(show: Open) -> None:
    page = show(f"/publisher/apis/{ID}", width=390, scripts=False)
    box = page.get_by_role("group", name="Address").first
    box.get_by_text("WSS", exact=True).click()
    shown = box.locator(".short:visible")
    shown.click()
    selected = shown.evaluate("it => { getSelection().selectAllChildren(it); return getSelection().toString() }")
    assert selected == "wss://gateway.eu-central.example.com:8099/echowebsocket/1.0.0"


def test_a_row_opens_where_it_lights_up_and_its_buttons_stay_theirs(show: Open) -> None:
    page = show("/devportal/applications")
    row = page.get_by_role("row").filter(has_text="Chat client 2")
    row.get_by_label("Pick 2").check()
    box = row.get_by_text("Gold").bounding_box()
    assert box
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    page.wait_for_url("**#")


def test_a_preset_fills_in_the_number_and_its_unit(show: Open) -> None:
    page = show("/publisher/create")
    page.get_by_role("button", name="1 day").click()
    expect(page.get_by_label("Tokens live for")).to_have_value("1")
    expect(page.get_by_label("Unit")).to_have_value("day")
    expect(page.get_by_label("Tokens live for")).to_be_focused()


def test_a_search_that_is_emptied_by_its_cross_shows_the_whole_list_again(show: Open) -> None:
    page = show("/publisher/apis?q=echo")
    search = page.get_by_role("searchbox")
    search.fill("")
    search.dispatch_event("search")
    page.wait_for_url("**/publisher/apis?q=")
