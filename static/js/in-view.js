// The page's own entry of a navigation that is longer than the window is brought into sight.
for (const entry of document.querySelectorAll(".nav [aria-current]")) {
  const nav = entry.closest(".nav");
  const over = entry.getBoundingClientRect().bottom - nav.getBoundingClientRect().bottom;
  if (over > 0) nav.scrollTop += over + nav.clientHeight / 4;
}
