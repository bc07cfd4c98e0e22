// A button with data-add-row puts another empty row below the last one of its form's table with data-rows.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-row]");
  const body = button?.form?.querySelector("table[data-rows] tbody");
  if (!body) return;
  const number = body.rows.length;
  const row = body.rows[number - 1].cloneNode(true);
  for (const input of row.querySelectorAll("input")) {
    const part = input.name.slice(0, input.name.lastIndexOf("_"));
    input.name = `${part}_${number}`;
    input.id = `id_${input.name}`;
    input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+/, number + 1));
    if (input.type === "checkbox") input.checked = false;
    else input.value = "";
  }
  body.append(row);
  row.querySelector("input").focus();
});
