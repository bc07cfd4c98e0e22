// A field with data-check is judged by the server while one types; the sentence stands where a refused form puts it.
// What data-check-with names is sent along, and judges the field anew when it changes: a context is as good as its version.
// A suggestion in such a sentence is a button that puts itself into the field.
const PAUSE_MS = 300;
const asked = new WeakMap();

async function judge(input) {
  asked.get(input)?.abort();
  const question = new AbortController();
  asked.set(input, question);
  const query = new URLSearchParams({ field: input.dataset.check, value: input.value });
  const beside = (input.dataset.checkWith ?? "").split(" ").filter(Boolean);
  for (const name of beside) query.set(name, input.form.elements[name].value);
  try {
    const answer = await fetch(`${input.form.dataset.checkUrl}?${query}`, { signal: question.signal });
    if (answer.ok && !answer.redirected) show(input, (await answer.text()).trim());
  } catch {
    // Typed on, or out of reach: the form is judged as a whole when it is sent.
  }
}

function show(input, verdict) {
  const field = input.closest(".field");
  field.querySelector(".field-error")?.remove();
  field.querySelector(".field-row").insertAdjacentHTML("afterend", verdict);
  input.toggleAttribute("aria-invalid", false);
  if (verdict) input.setAttribute("aria-invalid", "true");
  const ids = [verdict && `${input.id}_error`, field.querySelector(".field-hint")?.id];
  input.setAttribute("aria-describedby", ids.filter(Boolean).join(" "));
}

document.addEventListener("input", ({ target }) => {
  const input = target.closest("form[data-check-url] [data-check]");
  if (!input) return;
  [input, ...input.form.querySelectorAll(`[data-check-with~="${input.name}"]`)].forEach(judgeSoon);
});

function judgeSoon(input) {
  clearTimeout(input.pause);
  if (input.value.trim()) input.pause = setTimeout(judge, PAUSE_MS, input);
  else show(input, "");
}

document.addEventListener("click", (event) => {
  const suggestion = event.target.closest("[data-suggestion]");
  if (!suggestion) return;
  const input = suggestion.closest(".field").querySelector(".control");
  input.value = suggestion.textContent;
  input.focus();
  input.dispatchEvent(new Event("input", { bubbles: true }));
});
