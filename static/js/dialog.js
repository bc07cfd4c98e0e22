// Opens and closes dialogs for browsers that do not know command="show-modal" yet; holds a confirmation until
// the word is typed; closes on a click outside where the dialog allows it. A dialog that the page was drawn with open,
// because what was typed into it was sent in vain, is made modal.
import { filled, gettext } from "./words.js";

const native = "commandForElement" in HTMLButtonElement.prototype;

function obey(button) {
  const dialog = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal") dialog?.showModal();
  if (button.getAttribute("command") === "close") dialog?.close();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[commandfor]");
  if (button && !native) obey(button);
  const dialog = event.target;
  if (dialog.matches?.("dialog[closedby=any]") && !("closedBy" in HTMLDialogElement.prototype)) dialog.close();
});

for (const dialog of document.querySelectorAll("dialog[open]")) {
  dialog.close();
  dialog.showModal();
}

function check(input) {
  const right = input.value === input.dataset.word;
  const wanted = filled(gettext("Type %(word)s exactly as it stands here."), { word: input.dataset.word });
  input.setCustomValidity(right ? "" : wanted);
  input.form.querySelector("[type=submit]").disabled = !right;
}

for (const input of document.querySelectorAll("input[data-word]")) check(input);
document.addEventListener("input", (event) => event.target.dataset?.word && check(event.target));
