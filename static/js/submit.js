// A form is sent once; after 150 ms its button shows that it is busy.
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
});

document.addEventListener("htmx:afterRequest", (event) => settle(event.target.closest?.("form") ?? event.target));
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(settle));
