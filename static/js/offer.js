// A button with data-needs="names of fields" is offered once each of these fields has a value; "this|that" is either.
function hasValue(form, name) {
  const fields = [...form.elements].filter((field) => field.name === name);
  return fields.some((field) => (field.type === "checkbox" ? field.checked : field.value.trim() !== ""));
}

function refresh(button) {
  button.disabled = !button.dataset.needs.split(" ").every((names) => names.split("|").some((name) => hasValue(button.form, name)));
}

for (const button of document.querySelectorAll("button[data-needs]")) {
  button.form.addEventListener("input", () => refresh(button));
  refresh(button);
}
