"use strict";
// Layers: a box unticked hides its marks in every picture.
const cases = document.getElementById("cases");
for (const box of document.querySelectorAll("[data-layer]")) {
  const apply = () => cases.classList.toggle("hide-" + box.dataset.layer, !box.checked);
  box.addEventListener("change", apply);
  apply();
}
// Names: the title of a landmark, at once and beside the pointer.
const tip = document.getElementById("tip");
for (const mark of document.querySelectorAll(".landmark")) {
  const title = mark.querySelector("title");
  const text = title.textContent;
  title.remove();
  mark.setAttribute("aria-label", text);
  mark.addEventListener("pointermove", (event) => {
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, room)) + "px";
    tip.style.top = event.clientY + 14 + "px";
  });
  mark.addEventListener("pointerleave", () => { tip.hidden = true; });
}
// Size: a picture over the whole width, and back.
for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const large = button.closest(".case").classList.toggle("large");
    button.textContent = large ? "Reduce" : "Enlarge";
  });
}
// Paper: everything that is folded is printed.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
