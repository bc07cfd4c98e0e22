// Arrow keys in menus, and their place under the button where the browser cannot anchor a popover itself.
const anchors = CSS.supports("position-area", "block-end");

function place(menu) {
  const opener = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
  const left = Math.max(8, Math.min(opener.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8));
  const below = opener.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? opener.bottom : opener.top - menu.offsetHeight - 12}px`;
}

function step(event, menu) {
  const items = [...menu.querySelectorAll("a[href], button:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length)?.focus();
}

document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.(".menu[popover]") || event.newState !== "open") return;
    if (!anchors) place(event.target);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".menu:popover-open");
  if (menu) step(event, menu);
});

document.addEventListener("click", (event) => {
  if (event.target.closest(".menu-item[commandfor]")) event.target.closest(".menu").hidePopover();
});
