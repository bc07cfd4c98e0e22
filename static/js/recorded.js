// A recording of the flight recorder in the console: what its client sent is sent once more, in its order and with its
// pauses. The address of the page names it: ?recording=…&connection=…
import { bytesOf } from "./bytes.js";
import { replay } from "./replay.js";
import { filled, gettext, ngettext } from "./words.js";

const PATIENCE_MS = 10000;

export async function offerRecording(console) {
  const wanted = new URLSearchParams(location.search);
  const id = wanted.get("recording");
  if (!id || !console.parts.recorded) return;
  const file = new URL(`${location.pathname.replace(/try-out.*$/, "")}recordings/${encodeURIComponent(id)}/file`, location);
  file.search = new URLSearchParams({ format: "jsonl", connection: wanted.get("connection") ?? "" });
  const answer = await fetch(file);
  if (!answer.ok || answer.redirected) return console.frames.note(gettext("This recording cannot be read any more."));
  const entries = entriesOf(await answer.text());
  const sent = entries.filter(({ kind }) => kind === "sent").length;
  const { recorded } = console.parts;
  recorded.textContent = filled(gettext("Replay recording (%(messages)s)"), { messages: sent });
  recorded.hidden = false;
  recorded.disabled = !sent;
  recorded.addEventListener("click", async () => {
    recorded.disabled = true;
    console.dial();
    if (await isOpen(console.line)) await replay(entries, (data) => console.send(data));
    recorded.disabled = false;
  });
  const sentence = ngettext(
    "%(messages)s recorded message of a client can be replayed. What was taken out says [redacted].",
    "%(messages)s recorded messages of a client can be replayed. What was taken out says [redacted].",
    sent,
  );
  console.frames.note(filled(sentence, { messages: sent }));
}

export function entriesOf(lines) {
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ text, base64 }) => text !== undefined || base64 !== undefined)
    .map(({ direction, time, text, base64 }) => ({ kind: direction, at: Date.parse(time), data: text ?? bytesOf(base64, "base64") }));
}

async function isOpen(line) {
  const end = Date.now() + PATIENCE_MS;
  while (!line.isOpen && Date.now() < end && line.isBusy) await new Promise((go) => setTimeout(go, 50));
  return Boolean(line.isOpen);
}
