// Keeps times true while the page stands open: "2 minutes ago" goes on, and "in 5 seconds" becomes "expired just now".
// The exact moment is on the element's title. A time with data-expires says so once it is past.
import { filled, gettext, language } from "./words.js";

const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const MINUTE = 60000;
const spoken = new Intl.RelativeTimeFormat(language);

export function relative(moment, now = Date.now()) {
  const seconds = (now - moment) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  if (!unit) return gettext("just now");
  const count = Math.floor(Math.abs(seconds) / unit[1]);
  return spoken.format(seconds > 0 ? -count : count, unit[0]);
}

function words(time, now) {
  const moment = Date.parse(time.dateTime);
  const how = time.dataset.expires;
  if (!how) return relative(moment, now);
  if (now >= moment) return filled(gettext("expired %(when)s"), { when: relative(moment, now) });
  const left = moment - now < MINUTE ? gettext("in less than a minute") : relative(moment, now);
  return how === "sentence" ? filled(gettext("expires %(when)s"), { when: left }) : left;
}

function refresh() {
  const now = Date.now();
  let next = MINUTE; // milliseconds until the words of some time change
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const said = words(time, now);
    if (time.textContent !== said) time.textContent = said;
    const left = Date.parse(time.dateTime) - now;
    time.toggleAttribute("data-expired", "expires" in time.dataset && left <= 0);
    next = Math.min(next, left > 0 ? left % MINUTE : MINUTE + (left % MINUTE));
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, next + 50);
}

let timer = setTimeout(refresh, 1000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("htmx:afterSettle", refresh);
