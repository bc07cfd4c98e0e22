// A form that failed puts the focus on its first error; so does one that was swapped in.
function focusFirstError(root) {
  const wrong = root.querySelector("[aria-invalid=true], [data-invalid], [data-error]");
  if (!wrong) return;
  if (wrong.hasAttribute("data-error")) wrong.tabIndex = -1;
  const control = wrong.hasAttribute("data-invalid") ? wrong.querySelector("input:not(:disabled)") : wrong;
  (control ?? wrong).focus({ preventScroll: true });
  wrong.scrollIntoView({ block: "center" });
}

focusFirstError(document);
document.addEventListener("htmx:afterSwap", (event) => focusFirstError(event.target));
