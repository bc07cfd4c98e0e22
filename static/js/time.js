// Keeps times true while the page stands open: "2 minutes ago" goes on, and "in 5 seconds" becomes "expired just now".
// The exact moment is on the element's title. A time with data-expires says so once it is past.
const UNITS = [
  ["year", 31557600],
  ["month", 2629800],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const MINUTE = 60000;

export function relative(moment, now = Date.now()) {
  const seconds = (now - moment) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  if (!unit) return "just now";
  const count = Math.floor(Math.abs(seconds) / unit[1]);
  const words = `${count} ${unit[0]}${count === 1 ? "" : "s"}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function words(time, now) {
  const moment = Date.parse(time.dateTime);
  const how = time.dataset.expires;
  if (!how) return relative(moment, now);
  if (now >= moment) return `expired ${relative(moment, now)}`;
  const left = moment - now < MINUTE ? "in less than a minute" : relative(moment, now);
  return how === "sentence" ? `expires ${left}` : left;
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
