// A button with data-copy="text" or data-copy-from="id of an element" copies it and says so where the eye is.
import { announce } from "./announce.js";
import { gettext } from "./words.js";

const SHOWN_MS = 1600;

function textOf(button) {
  const source = button.dataset.copyFrom;
  return source ? document.getElementById(source).textContent.trim() : button.dataset.copy;
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("The browser did not allow copying");
}

function say(button, word, good) {
  button.restore?.();
  const before = [...button.childNodes];
  const said = document.createElement("span");
  said.className = good ? "copy-said" : "bad";
  said.textContent = button.classList.contains("button-icon") ? (good ? "✓" : "!") : word;
  button.replaceChildren(said);
  const timer = setTimeout(() => button.restore(), SHOWN_MS);
  button.restore = () => {
    clearTimeout(timer);
    button.replaceChildren(...before);
    button.restore = undefined;
  };
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  try {
    await write(textOf(button));
    say(button, gettext("Copied"), true);
    announce(gettext("Copied"));
  } catch {
    say(button, gettext("Not copied"), false);
    announce(gettext("The browser did not allow copying. Select the text and copy it yourself."));
  }
});
