const DIGITS = { deg: 1, mm: 1, px: 1, "%": 1, s: 2, 1: 2 };

/** A value with its unit; a dash where there is none. */
export function valueWords(value, unit) {
  if (value === null || value === undefined) return "–";
  const number = value.toFixed(DIGITS[unit] ?? 2).replace(/^-(0(\.0+)?)$/, "$1");
  return unit === "1" ? number : `${number} ${unit}`;
}

/** A length: in mm where the film is calibrated, and always in px. */
export function lengthWords(length) {
  if (!length) return "–";
  const px = `${length.px.toFixed(1)} px`;
  return length.mm === null ? px : `${length.mm.toFixed(1)} mm (${px})`;
}

/** What a reader did with a landmark. */
export function stateWords(mark) {
  return mark ? { visible: "set", occluded: "occluded", absent: "absent" }[mark.state] : "not set";
}
