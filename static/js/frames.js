// The list of frames of a console: arrow, time, text, size. Keeps the newest and stays at the end unless one scrolls up.
import { inHex } from "./bytes.js";

const KEPT = 500;
const FOLDED = 400; // letters from which a message is folded
const SHOWN = 65536; // letters that are shown of it at most
const ARROWS = { sent: ["↑", "Sent"], received: ["↓", "Received"], note: ["·", "Note"] };
const spaced = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

function element(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

function clock(date) {
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

function message(text, isWhole) {
  if (text.length <= FOLDED) return element("span", "frame-text", text);
  const folded = element("details", "frame-text", "");
  const rest = isWhole && text.length <= SHOWN ? "" : "\n… the rest is not shown";
  folded.append(element("summary", "", `${text.slice(0, FOLDED / 2)}…`), element("div", "", text.slice(0, SHOWN) + rest));
  return folded;
}

export class Frames {
  constructor(list, counts) {
    Object.assign(this, { list, counts, sent: 0, received: 0, dropped: 0 });
    this.empty = list.firstElementChild;
    this.older = element("li", "frames-empty", "");
  }

  add(direction, data) {
    const binary = typeof data !== "string";
    const bytes = binary ? data.byteLength : new TextEncoder().encode(data).length;
    this[direction] += 1;
    const text = binary ? `(binary) ${inHex(data, SHOWN / 4)}` : data;
    this.row(direction, message(text, !binary || bytes <= SHOWN / 4), `${spaced(bytes)} B`);
    this.counts.textContent = `${spaced(this.sent)} sent · ${spaced(this.received)} received`;
  }

  note(text) {
    this.row("note", element("span", "frame-text frame-note", text), "");
  }

  row(kind, body, size) {
    this.empty.remove();
    const box = this.list.parentElement;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const [arrow, words] = ARROWS[kind];
    const row = element("li", `frame frame-${kind}`, "");
    const mark = element("span", "frame-arrow", arrow);
    mark.ariaLabel = words;
    mark.role = "img";
    body.dir = "auto";
    row.append(mark, element("time", "", clock(new Date())), body, element("span", "frame-size", size));
    this.list.append(row);
    this.shorten();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  shorten() {
    const rows = this.list.getElementsByClassName("frame");
    while (rows.length > KEPT) (rows[0].remove(), (this.dropped += 1));
    if (!this.dropped) return;
    this.older.textContent = `${spaced(this.dropped)} older ${this.dropped === 1 ? "row was" : "rows were"} dropped: the newest ${KEPT} are kept.`;
    if (this.list.firstElementChild !== this.older) this.list.prepend(this.older);
  }

  clear() {
    this.list.replaceChildren(this.empty);
    this.sent = this.received = this.dropped = 0;
    this.counts.textContent = "Nothing sent yet";
  }
}
