// Reads a chart out: the step under the pointer, or under the arrow keys while the drawing has the focus. The numbers are
// those of the table behind it. Times are said in the page's language and its time zone.
import { filled, gettext, language } from "./words.js";

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DATE = { day: "numeric", month: "short" };
const STEPS = {
  hour: CLOCK,
  day: { ...DATE, ...CLOCK },
  week: { weekday: "short", ...DATE, ...CLOCK },
  month: { weekday: "short", ...DATE },
  year: { ...DATE, year: "numeric" },
};
const MARKS = { hour: CLOCK, day: CLOCK, week: { weekday: "short", day: "numeric" }, month: DATE, year: { month: "short" } };
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: 6, PageDown: -6, Home: -Infinity, End: Infinity };

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function read(chart) {
  const { chart: span, zone: timeZone } = chart.dataset;
  const drawing = chart.querySelector(".chart-drawing");
  const table = chart.parentElement.querySelector("table");
  const step = new Intl.DateTimeFormat(language, { ...STEPS[span], timeZone });
  const mark = new Intl.DateTimeFormat(language, { ...MARKS[span], timeZone });
  const said = (format, at) => {
    const when = format.format(new Date(at));
    return span === "year" && format === step ? filled(gettext("from %(day)s"), { day: when }) : when;
  };
  for (const text of drawing.querySelectorAll("text")) text.textContent = said(mark, text.dataset.at);
  for (const time of table.querySelectorAll("time")) time.textContent = said(step, time.dateTime);

  const labels = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].reverse().map((row) => ({
    when: row.cells[0].textContent.trim().replace(/\s+/g, " "),
    values: [...row.cells].slice(1).map((cell) => cell.dataset.short ?? cell.textContent.trim()),
  }));
  const lines = [...drawing.querySelectorAll("polyline")].map((line) =>
    line.getAttribute("points").split(" ").map((point) => point.split(",")[1]),
  );
  const guide = shape("line", { class: "chart-guide", y1: 0, y2: 160 });
  const dots = lines.map((_, number) => shape("circle", { class: `chart-dot chart-line-${number + 1}`, r: 4 }));
  const told = document.createElement("div");
  told.className = "chart-told";
  told.ariaHidden = "true"; // the drawing's value says the same
  const last = rows.length - 1;
  let at = last;

  function show(place) {
    at = Math.max(0, Math.min(last, place));
    const x = `${(100 * at) / last}%`;
    for (const end of ["x1", "x2"]) guide.setAttribute(end, x);
    dots.forEach((dot, number) => [["cx", x], ["cy", lines[number][at]]].forEach((pair) => dot.setAttribute(...pair)));
    const { when, values } = rows[at];
    told.replaceChildren(Object.assign(document.createElement("strong"), { textContent: when }));
    values.forEach((value, number) => {
      const key = Object.assign(document.createElement("span"), { className: `chart-key chart-key-${number + 1}` });
      key.append(labels[number]);
      told.append(key, Object.assign(document.createElement("span"), { className: "num", textContent: value }));
    });
    told.style.setProperty("--at", x);
    told.toggleAttribute("data-left", at > last / 2);
    drawing.ariaValueNow = String(at);
    drawing.ariaValueText = `${when}: ${values.map((value, number) => `${labels[number]} ${value}`).join(", ")}`;
    chart.toggleAttribute("data-reading", true);
  }

  drawing.append(guide, ...dots);
  drawing.parentElement.append(told);
  Object.assign(drawing, { role: "slider", tabIndex: 0, ariaValueMin: "0", ariaValueMax: String(last) });
  show(last);
  const hide = () => drawing.matches(":focus-visible") || chart.removeAttribute("data-reading");
  hide();
  drawing.addEventListener("focus", () => drawing.matches(":focus-visible") && show(at));
  drawing.addEventListener("blur", hide);
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return chart.removeAttribute("data-reading");
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    show(at + KEYS[event.key]);
  });
  for (const name of ["pointerdown", "pointermove"])
    drawing.addEventListener(name, (event) => {
      const { left, width } = drawing.getBoundingClientRect();
      show(Math.round(((event.clientX - left) / width) * last));
    });
  drawing.addEventListener("pointerleave", hide);
}

for (const chart of document.querySelectorAll("[data-chart]")) read(chart);
