// A checkbox with data-pick-all ticks every data-pick of its table; data-picked shows how many are ticked.
function refresh(table) {
  const all = table.querySelector("[data-pick-all]");
  const picks = [...table.querySelectorAll("[data-pick]")];
  const ticked = picks.filter((pick) => pick.checked).length;
  if (all) {
    all.checked = ticked > 0 && ticked === picks.length;
    all.indeterminate = ticked > 0 && ticked < picks.length;
  }
  for (const place of (table.closest("form") ?? table.closest(".card"))?.querySelectorAll("[data-picked]") ?? []) {
    place.textContent = String(ticked);
  }
}

document.addEventListener("change", (event) => {
  const box = event.target.closest("[data-pick], [data-pick-all]");
  const table = box?.closest("table, form");
  if (!table) return;
  if (box.hasAttribute("data-pick-all")) {
    for (const pick of table.querySelectorAll("[data-pick]")) pick.checked = box.checked;
  }
  refresh(table);
});
