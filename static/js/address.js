// Shows where an API will answer while its context and version are typed.
const place = document.querySelector("[data-addresses]");
const form = document.querySelector("form[data-check-url]");

function pathOf(text) {
  const segments = text.trim().split("/").map((segment) => segment.trim().replace(/\s+/g, "-"));
  return segments.filter(Boolean).map((segment) => `/${segment}`).join("");
}

function show() {
  const context = pathOf(form.elements.context.value) || "/context";
  const version = form.elements.version.value.trim() || "version";
  const holds = context.includes("{version}");
  for (const part of place.querySelectorAll("[data-context]")) part.textContent = context.replace("{version}", version);
  for (const part of place.querySelectorAll("[data-version]")) part.textContent = holds ? "" : `/${version}`;
}

if (place && form) {
  form.addEventListener("input", show);
  show();
}
