// A button with data-preset="id of a duration's number" fills in its number and its unit.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-preset]");
  if (!button) return;
  const number = document.getElementById(button.dataset.preset);
  const unit = document.getElementById(`${button.dataset.preset}_unit`);
  number.value = button.dataset.number;
  unit.value = button.dataset.unit;
  number.dispatchEvent(new Event("input", { bubbles: true }));
  number.focus();
});
