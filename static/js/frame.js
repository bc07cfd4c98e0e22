// One row of a timeline: arrow, time, text, latency and size; a long text is folded, and made when it is unfolded.
import { inHex } from "./bytes.js";
import { filled, gettext } from "./words.js";

const FOLDED = 400; // letters from which a message is folded
const SHOWN = 65536; // letters that are shown of it at most
const ARROWS = { sent: ["↑", gettext("Sent")], received: ["↓", gettext("Received")], note: ["·", gettext("Note")] };
const AGAIN = gettext("Once more");
export const spaced = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

export function element(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text, dir: "auto" });
}

function clock(at) {
  const date = new Date(at);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0"));
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function body({ kind, data, size }, pretty) {
  if (kind === "note") return element("span", "frame-text frame-note", data);
  const binary = typeof data !== "string";
  const whole = binary ? filled(gettext("(binary) %(hex)s"), { hex: inHex(data, SHOWN / 4) }) : data;
  const text = pretty && !binary && size < SHOWN ? indented(whole) : whole;
  if (text.length <= FOLDED || text !== whole) return element("span", "frame-text", text);
  const folded = element("details", "frame-text", "");
  folded.append(element("summary", "", `${text.slice(0, FOLDED / 2)}…`));
  folded.addEventListener("toggle", () => {
    if (folded.childElementCount > 1) return;
    const isWhole = text.length <= SHOWN && !(binary && size > SHOWN / 4);
    folded.append(element("div", "", text.slice(0, SHOWN) + (isWhole ? "" : `\n${gettext("… the rest is not shown")}`)));
  });
  return folded;
}

export function rowOf(entry, pretty, repeat) {
  const [arrow, words] = ARROWS[entry.kind];
  const row = element("li", `frame frame-${entry.kind}`, "");
  const mark = Object.assign(element("span", "frame-arrow", arrow), { role: "img", ariaLabel: words });
  const late = entry.latency === undefined ? "" : `+${entry.latency} ms · `;
  const size = element("span", "frame-size", entry.kind === "note" ? "" : `${late}${spaced(entry.size)} B`);
  if (entry.kind === "sent") {
    const again = Object.assign(element("button", "frame-again", "↻"), { type: "button", title: AGAIN });
    again.ariaLabel = AGAIN;
    again.addEventListener("click", () => repeat(entry.data));
    size.append(again);
  }
  row.append(mark, element("time", "", clock(entry.at)), body(entry, pretty), size);
  return row;
}
