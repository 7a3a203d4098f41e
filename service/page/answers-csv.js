/** Answers as a table for spreadsheets: the columns of a job's CSV, which service/results.py writes. */

/** @typedef {import('./queries.js').Query} Query */
/** @typedef {string | number | boolean | undefined} Cell */

const HEAD = ['filename', 'label', 'probability', 'unknown', 'nearest_label', 'nearest_similarity', 'error'];
/** Where a spreadsheet would see a formula: where a cell begins, or behind what some take for the separator. */
const FORMULA = /^(?=[=+\-@\t\r\n＝＋－＠])|(?<=[;\t\r\n])(?="*[=+\-@＝＋－＠])/g;
const BYTE_ORDER_MARK = '\ufeff'; // without it, Excel takes UTF-8 for another encoding

/** @param {Query} query @returns {boolean} whether there is something to write about it */
export const isSettled = ({ state }) => state === 'answered' || state === 'failed';

/** @param {Query[]} queries settled ones @returns {string} */
export function answersCsv(queries) {
  const labels = [...new Set(queries.flatMap(({ prediction }) => Object.keys(prediction?.probabilities ?? {})))].sort();
  const rows = queries.map((query) => row(query, labels));
  return BYTE_ORDER_MARK + [[...HEAD, ...labels.map((label) => `probability of ${label}`)], ...rows].map(line).join('');
}

/** @param {Query} query @param {string[]} labels @returns {Cell[]} */
function row({ file, prediction, problem }, labels) {
  const nearest = prediction?.nearest?.[0];
  const error = prediction ? undefined : problem;
  return [
    file.name, prediction?.label, prediction?.probability, prediction?.unknown, nearest?.label, nearest?.similarity, error,
    ...labels.map((label) => prediction?.probabilities[label]),
  ];
}

/** @param {Cell[]} cells @returns {string} */
function line(cells) {
  return `${cells.map(written).join(',')}\r\n`;
}

/** @param {Cell} cell @returns {string} */
function written(cell) {
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  const text = typeof cell === 'string' ? cell.replaceAll(FORMULA, "'") : String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
