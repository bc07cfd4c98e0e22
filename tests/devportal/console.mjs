// The console's timeline with the buttons over it, on a page of which there is only what they touch.
import assert from "node:assert/strict";

class Part extends EventTarget {
  constructor(name = "") {
    super();
    Object.assign(this, { name, textContent: "", value: "", checked: false, children: [], scrollHeight: 0, scrollTop: 0, clientHeight: 0, offsetHeight: 0, offsetTop: 0, style: {} });
  }
  append(...more) {
    for (const each of more) (each.remove?.(), (each.parentElement = this), this.children.push(each));
  }
  prepend(one) {
    one.remove();
    one.parentElement = this;
    this.children.unshift(one);
  }
  before(...more) {
    const { children } = this.parentElement;
    for (const each of more) (each.parentElement = this.parentElement), children.splice(children.indexOf(this), 0, each);
  }
  remove() {
    const kept = this.parentElement?.children.filter((each) => each !== this);
    if (kept) this.parentElement.children.splice(0, Infinity, ...kept);
    this.parentElement = undefined;
  }
  click() {
    if (this.download) saved.push(this);
    this.dispatchEvent(new Event("click"));
  }
  get firstElementChild() {
    return this.children[0];
  }
  get words() {
    return [this.textContent, ...this.children.map((each) => each.words)].join("");
  }
}

const saved = [];
const blobs = [];
globalThis.requestAnimationFrame = setTimeout;
globalThis.document = { createElement: (name) => new Part(name) };
URL.createObjectURL = (blob) => (blobs.push(blob), "blob:here");
URL.revokeObjectURL = () => {};

const [{ Frames }, { replay }, { MOST }] = await Promise.all(
  ["frames", "replay", "timeline"].map((name) => import(new URL(`../../static/js/${name}.js`, import.meta.url))),
);

const parts = Object.fromEntries(["frames", "filter", "search", "pretty", "pause", "clear", "export", "counts"].map((name) => [name, new Part(name)]));
const box = new Part();
const empty = new Part();
box.append(parts.frames);
parts.frames.append(empty);
const repeated = [];
const frames = new Frames(parts, (data) => repeated.push(data));
const later = () => new Promise((resolve) => setTimeout(resolve, 1));
async function drawn() {
  do await later();
  while (frames.planned !== undefined || frames.stretch.planned !== undefined);
}
const rows = () => parts.frames.children.filter((each) => each.className?.startsWith("frame "));

frames.add("sent", '{"a":1}');
frames.add("received", new Uint8Array([0, 255]));
frames.note("Handshake accepted");
await drawn();
assert.equal(rows().length, 3);
assert.match(parts.counts.textContent, /^1 sent · 1 received$/);
assert.match(rows()[1].words, /\(binary\) 00 ff/);

// Pretty indents JSON that is there already, and leaves the rest.
parts.pretty.checked = true;
parts.pretty.dispatchEvent(new Event("input"));
assert.match(rows()[0].words, /\{\n  "a": 1\n\}/);

// While it is paused everything is kept and nothing drawn; going on draws it.
parts.pause.click();
assert.deepEqual([parts.pause.textContent, parts.pause.ariaPressed], ["Go on", "true"]);
frames.add("received", "while away");
await drawn();
assert.equal(rows().length, 3);
assert.match(parts.counts.textContent, /2 received$/);
parts.pause.click();
assert.deepEqual([parts.pause.textContent, parts.pause.ariaPressed, rows().length], ["Pause", "false", 4]);

// Filter and search hide; what is hidden is counted.
parts.filter.value = "received";
parts.search.value = "AWAY";
parts.search.dispatchEvent(new Event("input"));
assert.equal(rows().length, 1);
assert.match(parts.counts.textContent, /3 hidden$/);
parts.filter.value = parts.search.value = "";
parts.filter.dispatchEvent(new Event("input"));

// The export has every row, binary ones as base64, whatever is shown.
parts.export.click();
const lines = (await blobs[0].text()).trim().split("\n").map((line) => JSON.parse(line));
assert.deepEqual(lines.map(({ direction, text, base64 }) => [direction, text ?? base64]), [
  ["sent", '{"a":1}'],
  ["received", "AP8="],
  ["note", "Handshake accepted"],
  ["received", "while away"],
]);
assert.match(saved[0].download, /^frames-.*\.jsonl$/);
assert.equal(typeof lines[1].latencyMs, "number");

// Replay sends what was sent, in order, and stops where nothing can be sent any more. A row's own button sends it again.
frames.add("sent", "second");
const again = [];
await replay(frames.timeline.entries, (data) => (again.push(data), again.length < 2));
assert.deepEqual(again, ['{"a":1}', "second"]);
await drawn();
const once = rows().at(-1).children.at(-1).children[0];
once.click();
assert.deepEqual(repeated, ["second"]);

// The newest are kept, and what was dropped is said. Of all that is kept a stretch is on the page: at first the end.
for (let number = 0; number < MOST; number += 1) frames.add("received", String(number));
await drawn();
assert.match(parts.frames.children[0].words, /^5 older rows were dropped/);
assert.match(parts.counts.textContent, /5\u202f002 received$/);
const texts = () => rows().map((row) => row.children[2].textContent);
assert.deepEqual([rows().length, texts().at(-1)], [150, String(MOST - 1)]);

// Whoever scrolls up sees what is older, and stays there while more comes.
async function scrollTo(place) {
  Object.assign(box, { scrollTop: place, scrollHeight: MOST * 33, clientHeight: 330 });
  parts.frames.offsetHeight = MOST * 33;
  box.dispatchEvent(new Event("scroll"));
  await drawn();
}
await scrollTo(2000 * 33);
assert.ok(texts().includes("2000"));
await scrollTo(2100 * 33);
assert.deepEqual([rows().length, ...texts().slice(0, 2)], [150, "2050", "2051"]);
frames.add("received", "news");
await drawn();
assert.deepEqual(texts().slice(0, 2), ["2050", "2051"]);
await scrollTo(0);
assert.equal(texts()[0], "1");
await scrollTo(MOST * 33);
assert.equal(texts().at(-1), "news");
parts.clear.click();
assert.equal(rows().length, 0);
assert.equal(parts.counts.textContent, "Nothing sent yet");
