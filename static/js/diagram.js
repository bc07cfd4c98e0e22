// A drawing that is wider than the window begins where the API stands.
const drawing = document.querySelector(".diagram");
const current = drawing?.querySelector(".node-current");
if (current) {
  const box = current.getBoundingClientRect();
  drawing.scrollLeft += box.left + box.width / 2 - (drawing.getBoundingClientRect().left + drawing.clientWidth / 2);
}
