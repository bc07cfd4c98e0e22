// Up to 1 024 px the navigation is a drawer: opens from the top bar, closes by Escape, a click outside or a link.
const nav = document.getElementById("nav");
const opener = document.querySelector(".bar-drawer");
const wide = matchMedia("(min-width: 1025px)");

function close() {
  if (!nav.hasAttribute("data-open")) return;
  nav.removeAttribute("data-open");
  opener.setAttribute("aria-expanded", "false");
  setOutside(false);
  opener.focus();
}

function open() {
  nav.setAttribute("data-open", "");
  opener.setAttribute("aria-expanded", "true");
  setOutside(true);
  nav.querySelector(".drawer-close").focus();
}

function setOutside(inert) {
  for (const part of document.querySelectorAll(".bar, .page")) part.inert = inert;
}

if (nav && opener) {
  opener.setAttribute("role", "button");
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-controls", "nav");
  opener.addEventListener("click", (event) => (event.preventDefault(), open()));
  nav.querySelector(".drawer-close").addEventListener("click", (event) => (event.preventDefault(), close()));
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => nav.contains(event.target) || close());
  wide.addEventListener("change", close);
}
