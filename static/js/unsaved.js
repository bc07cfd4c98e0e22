// A form with data-dirty says which of its fields differ from what is stored, and warns before that is lost.
import { filled, gettext } from "./words.js";

function differs(field) {
  if (!field.name || ["hidden", "submit", "button"].includes(field.type) || field.disabled) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.options) {
    const written = [...field.options].some((option) => option.defaultSelected);
    return [...field.options].some((option, place) => option.selected !== (written ? option.defaultSelected : place === 0));
  }
  return field.value !== field.defaultValue;
}

// A label's words, without the mark beside them that says that the field is optional.
function wordsOf(label) {
  const copy = label?.cloneNode(true);
  copy?.querySelector(".field-optional")?.remove();
  return copy?.textContent;
}

function nameOf(field) {
  const group = field.type === "checkbox" || field.type === "radio" ? field.closest("fieldset")?.querySelector("legend") : null;
  const words = wordsOf(group ?? field.labels?.[0]) ?? field.getAttribute("aria-label") ?? field.name;
  return words.replace(/\s+/g, " ").trim();
}

function look(form) {
  const names = [...new Set([...form.elements].filter(differs).map(nameOf))];
  const isUnsaved = names.length > 0 || form.hasAttribute("data-refused");
  form.toggleAttribute("data-changed", names.length > 0); // what was refused comes back with the browser's Back
  const said = form.querySelector("[data-unsaved]");
  if (!said) return;
  said.hidden = !isUnsaved;
  said.textContent = names.length
    ? filled(gettext("Not saved yet: %(fields)s"), { fields: names.join(", ") })
    : gettext("Not saved yet");
}

for (const form of document.querySelectorAll("form[data-dirty]")) {
  form.toggleAttribute("data-refused", form.querySelector("[aria-invalid='true'], [data-error]") !== null);
  form.addEventListener("input", () => look(form));
  form.addEventListener("change", () => look(form));
  form.addEventListener("reset", () => setTimeout(look, 0, form));
  form.addEventListener("submit", (event) => event.defaultPrevented || form.removeAttribute("data-changed"));
  look(form);
}

addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-dirty][data-changed]")) event.preventDefault();
});
