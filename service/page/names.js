/** Names of classes and files where there is no room for long ones: many begin alike and differ only at their end. */

const MOST_IN_SENTENCE = 32; // characters: two such names and the words between them are five lines on a small phone
const FROM_THE_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/; // Hebrew, Arabic and their like

/** @param {string} name @param {number} most characters @returns {string} a longer one without its middle */
export function shortened(name, most) {
  const characters = [...name];
  if (characters.length <= most) return name;
  const head = characters.slice(0, Math.ceil((most - 1) / 2)).join('');
  const tail = characters.slice(-Math.floor((most - 1) / 2)).join('');
  return `${head.trimEnd()}…${tail.replace(/^[\p{M}\u200d]+/u, '').trimStart()}`;
}

/** @param {string} name @returns {string} as a sentence tells it: short, and set apart where it is read the other way */
export function told(name) {
  const short = shortened(name, MOST_IN_SENTENCE);
  if (!FROM_THE_RIGHT.test(short)) return short;
  const asItBegins = '\u2068';
  const fromTheLeft = '\u2066'; // or the .jpg of a file would stand before its name
  return `${/[a-z]$/i.test(short) ? fromTheLeft : asItBegins}${short}\u2069`;
}
