// Toasts leave by themselves after a while unless they say that something failed; hovering keeps them.
import { announce } from "./announce.js";

const STAYS_MS = 6000;

function leave(toast) {
  toast.dataset.leaving = "";
  setTimeout(() => toast.remove(), 150);
}

function watch(toast) {
  if (toast.dataset.toast === "error" || toast.dataset.toast === "warning") return;
  let timer = setTimeout(leave, STAYS_MS, toast);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => (timer = setTimeout(leave, STAYS_MS, toast)));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) leave(button.closest(".toast"));
});

for (const toast of document.querySelectorAll("[data-toast]")) {
  watch(toast);
  announce(toast.textContent.trim());
}

// One that a fragment brought is announced by its own role.
document.addEventListener("htmx:load", (event) => event.target.matches?.("[data-toast]") && watch(event.target));
