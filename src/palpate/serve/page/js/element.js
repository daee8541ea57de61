/**
 * An HTML element, with text never read as markup.
 *
 *     element("button", { type: "button", class: "quiet", onclick: undo }, "Undo")
 *
 * @param {string} tag
 * @param {Object<string, any>} [attributes] - `on...` are listeners; true sets an empty
 *   attribute; false, null and undefined leave it out.
 * @param {...(Node | string | number | null)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}
