// Keeps what stands in [data-live] true: the page's own address, as a WebSocket, sends it anew when it has changed.
// What people have ticked, focused or selected stays, because only what differs is touched.
import { gettext } from "./words.js";

const SIGNED_OUT = 4001;
const GONE = 4004;
const LONGEST_WAIT = 30_000;

const place = document.querySelector("[data-live]");
const state = document.querySelector("[data-live-state]");
const pause = document.querySelector("[data-live-pause]");
let socket = null;
let failures = 0;
let timer = 0;

function show(name, words) {
  state.dataset.liveState = name;
  if (state.textContent !== words) state.textContent = words;
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
}

function morph(from, to) {
  const known = new Map([...from.children].filter((each) => each.id).map((each) => [each.id, each]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const kept = wanted.id ? known.get(wanted.id) : null;
    if (kept && kept !== at) from.insertBefore(kept, at);
    const present = kept ?? at;
    if (!present || ["nodeType", "nodeName", "id"].some((each) => present[each] !== wanted[each])) {
      from.insertBefore(wanted, at);
      continue;
    }
    if (present === at) at = at.nextSibling;
    if (present.nodeType !== Node.ELEMENT_NODE) {
      if (present.nodeValue !== wanted.nodeValue) present.nodeValue = wanted.nodeValue;
    } else if (!present.isEqualNode(wanted)) {
      attributes(present, wanted);
      morph(present, wanted);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// What stands in a dialog beside the page is of the same moment.
function repeat() {
  for (const told of document.querySelectorAll("[data-live-said]")) {
    const says = place.querySelector(`[data-live-says="${told.dataset.liveSaid}"]`);
    if (says && told.textContent !== says.textContent) told.textContent = says.textContent;
  }
}

function open() {
  socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/#.*/, ""));
  socket.addEventListener("message", ({ data }) => {
    failures = 0;
    show("live", gettext("Live"));
    const wanted = document.createElement("div");
    wanted.innerHTML = data;
    morph(place, wanted);
    repeat();
    place.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true }));
  });
  socket.addEventListener("close", ({ code }) => {
    if (code === SIGNED_OUT || code === GONE) return location.reload();
    if (pause.ariaPressed === "true" || document.hidden) return;
    show("away", gettext("Reconnecting…"));
    timer = setTimeout(open, Math.min(1000 * 2 ** failures++, LONGEST_WAIT));
  });
}

function leave(name, words) {
  clearTimeout(timer);
  socket?.close();
  show(name, words);
}

function follow(goesOn) {
  if (!goesOn) return leave("paused", gettext("Paused"));
  clearTimeout(timer);
  if (!(socket?.readyState <= WebSocket.OPEN)) open();
}

pause.addEventListener("click", () => {
  pause.ariaPressed = String(pause.ariaPressed !== "true");
  pause.lastChild.textContent = pause.ariaPressed === "true" ? gettext("Go on") : gettext("Pause");
  follow(pause.ariaPressed !== "true");
});

document.addEventListener("visibilitychange", () => {
  if (pause.ariaPressed !== "true") follow(!document.hidden);
});

open();
