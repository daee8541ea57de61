/**
 * The server's words with titles of landmarks where it lists their names:
 * 'marked absent: lower_lip' becomes 'marked absent: Lower lip'.
 *
 * A name counts where it stands alone behind a colon or a comma, so that 'C7' within a sentence
 * stays as it is; one with an underscore is no word of any language and counts everywhere.
 *
 * @param {string} text
 * @param {Map<string, string>} titles - by name
 */
export function titled(text, titles) {
  return text.replace(/(^|[:,] |\s)([\p{L}\d_.-]+)(?=$|[,;:).]|\s)/gu, (whole, before, word, at) => {
    const [name, stop] = word.endsWith(".") ? [word.slice(0, -1), "."] : [word, ""];
    const alone = /[:,] $/.test(before) && /^($|[,;.)]| \()/.test(text.slice(at + whole.length));
    return titles.has(name) && (alone || name.includes("_"))
      ? `${before}${titles.get(name)}${stop}` : whole;
  });
}
