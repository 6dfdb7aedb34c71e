"use strict";
// Boxes that scroll within the page show that there is more in them.

/** Marks every box by the sides on which something of it is out of sight. */
function setUpBoxes() {
  const boxes = [...document.querySelectorAll(".scroll, pre")];
  const mark = (box) => {
    // Half a pixel is rounding.
    const below = box.scrollHeight - box.clientHeight - box.scrollTop > 1;
    const right = box.scrollWidth - box.clientWidth - box.scrollLeft > 1;
    box.classList.toggle("more-below", below);
    box.classList.toggle("more-right", right);
  };
  const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    mark(target.closest(".scroll, pre"));
  }));
  for (const box of boxes) {
    box.addEventListener("scroll", () => mark(box), { passive: true });
    observer.observe(box);
    if (box.firstElementChild) observer.observe(box.firstElementChild);
    mark(box);
  }
}
