// A fragment that cannot be fetched says so where it would have stood.
import { gettext } from "./words.js";

const SENTENCE = gettext("The portal cannot be reached, so nothing was tried. Check your network connection and try again.");

function say(event) {
  const said = Object.assign(document.createElement("p"), { className: "field-error", textContent: SENTENCE });
  event.detail.target?.replaceChildren(said);
}

document.addEventListener("htmx:sendError", say);
document.addEventListener("htmx:timeout", say);
