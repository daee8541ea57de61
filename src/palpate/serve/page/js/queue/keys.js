const STEPS = {
  ArrowDown: (at, last) => Math.min(at + 1, last),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (at, last) => last,
};

/**
 * The keyboard of the list: arrows, Home and End move between cases, '/' goes to the search, '?'
 * to the help. Enter needs nothing: each case is a link.
 */
export function listenToKeys({ rows, search }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target.matches("input, select, textarea, dialog *");
    if (event.target === search && event.key === "ArrowDown") {
      event.preventDefault();
      rows.querySelector(".open-case")?.focus();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "?") {
      location.assign("/help");
    } else if (event.key in STEPS) {
      move(rows, STEPS[event.key], event);
    }
  });
}

function move(rows, step, event) {
  const links = [...rows.querySelectorAll(".open-case")];
  if (!links.length) return;
  const row = document.activeElement?.closest("tr");
  const at = links.findIndex((link) => link.closest("tr") === row);
  event.preventDefault();
  links[step(at, links.length - 1)].focus();
}
