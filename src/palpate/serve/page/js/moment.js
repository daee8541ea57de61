const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

/** A moment as short as it is clear: '14:03', '3 Mar, 14:03', '3 Mar 2025'. Local time. */
export function shortMoment(iso, now = new Date()) {
  const moment = new Date(iso);
  if (moment.toDateString() === now.toDateString()) return TIME.format(moment);
  if (moment.getFullYear() === now.getFullYear())
    return `${DAY.format(moment)}, ${TIME.format(moment)}`;
  return DATE.format(moment);
}

/** The same in full, for a title. */
export function fullMoment(iso) {
  return FULL.format(new Date(iso));
}
