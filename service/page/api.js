/** Speaks HTTP with the service: one function a route, every failure a `Problem`. */

import { ask, Problem } from './requests.js';

/** @typedef {{ accuracy: number, low: number, high: number }} Estimate */
/** @typedef {{ label: string, examples: number }} TaskClass */
/** @typedef {{ id: string, label: string, filename: string, sha256: string }} KeptExample */
/** @typedef {{ id: string, name?: string | null, version: number, model: string, created: string, classes: TaskClass[], estimate?: Estimate | null, examples?: KeptExample[] }} Task a list leaves its examples out */
/** @typedef {{ name: string, card: { licence?: string } }} Model */
/** @typedef {{ label: string, similarity: number, filename: string, id?: string | null }} Neighbour */
/** @typedef {{ filename?: string, label: string, probability: number, probabilities: Record<string, number>, unknown: boolean, nearest?: Neighbour[] }} Prediction */
/** @typedef {{ id: string, label: string, filename: string, probability: number, resembles: string, doubtful: boolean }} LeftOut an example as the others classify it */
/** @typedef {{ file: File, label: string }} Labelled */

const DRAFT_LASTS = 24 * 3600; // seconds without a question

/** @param {string} id */
const taskPath = (id) => `v1/tasks/${encodeURIComponent(id)}`;

/** @returns {Promise<{ items: Model[] }>} the initializations that classifiers are made from */
export const listModels = () => ask('v1/models');

/**
 * @param {Labelled[]} support
 * @param {AbortController} [request] aborts it
 * @returns {Promise<Task>} that the service deletes by itself once it is left behind
 */
export function createDraft(support, request) {
  const form = supportForm(support);
  form.append('expires_in', String(DRAFT_LASTS));
  return ask('v1/tasks', { method: 'POST', body: form }, request);
}

/**
 * @param {string} id of a draft
 * @param {string} name
 * @returns {Promise<Task>} the same, now for good
 */
export function keepTask(id, name) {
  const form = new FormData();
  form.append('name', name);
  return ask(`${taskPath(id)}/keep`, { method: 'POST', body: form });
}

/** @param {Labelled[]} support @returns {FormData} */
function supportForm(support) {
  const form = new FormData();
  for (const { file, label } of support) {
    form.append('support', file, file.name);
    form.append('labels', label);
  }
  return form;
}

/**
 * @param {string} id
 * @param {Labelled[]} support
 * @returns {Promise<Task>} with these examples, too
 */
export function addExamples(id, support) {
  return ask(`${taskPath(id)}/examples`, { method: 'POST', body: supportForm(support) });
}

/** @param {string} id @returns {Promise<LeftOut[]>} the examples whose classes have others, too */
export const leftOut = async (id) => (await ask(`${taskPath(id)}/left-out`)).items;

/** @param {string} id @param {string} example its id */
const examplePath = (id, example) => `${taskPath(id)}/examples/${encodeURIComponent(example)}`;

/** @type {(id: string, example: string) => string} where the image of an example is */
export const pictureOf = examplePath;

/**
 * @param {string} id
 * @param {string} example its id
 * @param {string} label of the class that it is to be in
 * @returns {Promise<Task>} with it there; or as it is, where another one took the example out before
 */
export function moveExample(id, example, label) {
  const form = new FormData();
  form.append('label', label);
  return ask(examplePath(id, example), { method: 'POST', body: form }).catch(orAsItIs(id));
}

/**
 * @param {string} id
 * @param {string} example its id
 * @returns {Promise<Blob | null>} its file, as it was uploaded; null where the example is gone
 */
export function fetchPicture(id, example) {
  // A proxy's page that asks for a password is no picture.
  const read = async (/** @type {Response} */ response) => {
    if (!response.headers.get('Content-Type')?.startsWith('image/')) throw new TypeError('no image');
    return response.blob();
  };
  return ask(examplePath(id, example), {}, undefined, read).catch(orNothing);
}

/**
 * @param {string} id
 * @param {string} example its id
 * @param {number} [version] of the task; another one is left as it is, and told by a stale `Problem`
 * @returns {Promise<Task>} without that example, also where another one took it out before
 */
export function deleteExample(id, example, version) {
  return ask(examplePath(id, example) + (version ? `?version=${version}` : ''), { method: 'DELETE' }).catch(orAsItIs(id));
}

/**
 * @param {string} id
 * @param {string} label
 * @param {number} version of the task, as for `deleteExample`
 * @returns {Promise<Task>} without that class, also where another one took it out before
 */
export function deleteClass(id, label, version) {
  const path = `${taskPath(id)}/classes/${label.split('/').map(encodeURIComponent).join('/')}?version=${version}`; // not every proxy takes %2F
  return ask(path, { method: 'DELETE' }).catch(orAsItIs(id));
}

/**
 * Give a task examples that it has had before. As JSON: names that programs gave to files may be such as no form keeps.
 * @param {string} id
 * @param {{ label: string, filename: string, file: Blob }[]} examples
 * @returns {Promise<Task>} with these examples, too
 */
export async function restoreExamples(id, examples) {
  const support = [];
  for (const { label, filename, file } of examples) support.push({ label, filename, image: await base64(file) });
  const headers = { 'Content-Type': 'application/json' };
  return ask(`${taskPath(id)}/examples`, { method: 'POST', body: JSON.stringify({ support }), headers });
}

/** @param {Blob} file @returns {Promise<string>} */
async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  const most = 0x8000; // arguments of one call
  for (let start = 0; start < bytes.length; start += most) text += String.fromCharCode(...bytes.subarray(start, start + most));
  return btoa(text);
}

/** @param {string} id @returns {(problem: unknown) => Promise<Task>} what to do about an example that is gone */
const orAsItIs = (id) => (problem) => {
  if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
  return showTask(id); // not there either, where the task itself is gone
};

/**
 * @param {string} id
 * @param {File[]} queries
 * @returns {Promise<{ model: string, predictions: Prediction[] }>} predictions in the order of the queries
 */
export function classify(id, queries) {
  const form = new FormData();
  for (const query of queries) form.append('query', query, query.name);
  return ask(`${taskPath(id)}/classify`, { method: 'POST', body: form });
}

/**
 * @param {string} [cursor]
 * @returns {Promise<{ items: Task[], next_cursor: string | null }>}
 */
export function listTasks(cursor) {
  const page = new URLSearchParams({ limit: '20', ...(cursor ? { cursor } : {}) });
  return ask(`v1/tasks?${page}`);
}

/** @param {string} id @returns {Promise<Task>} with its examples, which lists leave out */
export function showTask(id) {
  return ask(taskPath(id));
}

/**
 * @param {string} id
 * @returns {Promise<null>} even if the task was gone already; the request outlives the page
 */
export function deleteTask(id) {
  return ask(taskPath(id), { method: 'DELETE', keepalive: true }).catch(orNothing);
}

/** @param {unknown} problem @returns {null} where it is about something that is gone */
function orNothing(problem) {
  if (problem instanceof Problem && problem.status === 404) return null;
  throw problem;
}
