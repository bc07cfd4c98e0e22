// The theme changes at once; the form behind it tells the server, so that the next page comes right from the start.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form.theme")) return;
  event.preventDefault();
  const chosen = event.submitter.value;
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  for (const choice of form.querySelectorAll("button")) {
    choice.setAttribute("aria-pressed", String(choice.value === chosen));
  }
  const body = new FormData(form);
  body.set("theme", chosen);
  await fetch(form.action, { method: "POST", body, redirect: "manual" });
});
