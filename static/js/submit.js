// A form is sent once; after 150 ms its button shows that it is busy. A form with data-dirty warns before what was
// typed is lost.
const BUSY_AFTER_MS = 150;
const sent = new WeakMap();

function settle(form) {
  const state = sent.get(form);
  if (!state) return;
  clearTimeout(state.timer);
  state.button?.removeAttribute("aria-busy");
  sent.delete(form);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  const button = event.submitter?.classList.contains("button") ? event.submitter : null;
  const timer = setTimeout(() => button?.setAttribute("aria-busy", "true"), BUSY_AFTER_MS);
  sent.set(form, { button, timer });
  delete form.dataset.changed;
});

document.addEventListener("htmx:afterRequest", (event) => settle(event.target.closest?.("form") ?? event.target));
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(settle));

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-dirty")) form.dataset.changed = "";
});

addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-dirty][data-changed]")) event.preventDefault();
});
