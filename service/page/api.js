/** Speaks HTTP with the service: one function a route, every failure a `Problem` with a sentence to show. */

import { texts } from './texts.js';

/** @typedef {{ accuracy: number, low: number, high: number }} Estimate */
/** @typedef {{ label: string, examples: number }} TaskClass */
/** @typedef {{ id: string, label: string, filename: string, sha256: string }} KeptExample */
/** @typedef {{ id: string, name?: string | null, version: number, model: string, created: string, classes: TaskClass[], estimate?: Estimate | null, examples?: KeptExample[] }} Task a list leaves its examples out */
/** @typedef {{ name: string, card: { licence?: string } }} Model */
/** @typedef {{ label: string, similarity: number, filename: string, id?: string | null }} Neighbour */
/** @typedef {{ filename?: string, label: string, probability: number, probabilities: Record<string, number>, unknown: boolean, nearest?: Neighbour[] }} Prediction */
/** @typedef {{ file: File, label: string }} Labelled */

const RETRIES = 2;
const DRAFT_LASTS = 24 * 3600; // seconds without a question
const LONGEST_WAIT = 5; // seconds: a longer Retry-After is for the user to decide
const LONGEST_ANSWER = 240_000; // milliseconds: the service itself gives up after 210 s, unless it is set otherwise, and then says why
const CHANGED = 'Task changed'; // since the version that a request is about
/** What there may be too much of, by the title of its problem: the details advise programs, but end with the limit. */
const TOO_MANY = new Map([
  ['Too many files', texts.tooManyFiles], ['Too many fields', texts.tooManyFiles],
  ['Too many examples', texts.tooManyExamples], ['Too many classes', texts.tooManyClasses],
]);

/** What is said of others in words for programs. */
const REWORDED = new Map([['Too few classes would remain', texts.tooFewRemain], [CHANGED, texts.keepsChanging]]);

/** A failure that says what to do. */
export class Problem extends Error {
  /**
   * @param {string} sentence
   * @param {number} status HTTP status; 0 where no answer came
   * @param {string} [file] name of the file at fault
   * @param {string} [field] name of the form field at fault
   * @param {string} [title] that the service gives all problems of its kind
   */
  constructor(sentence, status, file, field, title) {
    super(sentence);
    this.status = status;
    this.file = file;
    this.field = field;
    this.title = title;
  }

  /** Whether the request was about another version of a task than the one that there is. */
  get isStale() {
    return this.title === CHANGED;
  }

  /** Whether the same request may succeed later, as it is not at fault itself. */
  get mayPass() {
    return this.status < 400 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** @param {Response} response @returns {Promise<Problem>} */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  // A detail that begins with the file's name needs no title before it.
  const parts = body.file && body.detail?.startsWith?.(body.file) ? [body.detail] : [body.title, body.detail];
  const stated = parts.filter((part) => typeof part === 'string' && part).join(': ');
  const unstated = [429, 503, 504].includes(response.status) ? texts.busy : texts.badAnswer;
  const isAboutAll = response.status === 413 && !body.file && !body.field; // otherwise the service names what is too large
  const most = body.detail?.match?.(/\d+/g)?.at(-1);
  const tooMany = most ? TOO_MANY.get(body.title)?.(most) : undefined;
  const sentence = isAboutAll ? texts.tooMuch : tooMany ?? REWORDED.get(body.title) ?? (stated || unstated);
  return new Problem(sentence, response.status, body.file, body.field, body.title);
}

/**
 * @param {string} path relative to the page, as a proxy may have both below a path of its own
 * @param {RequestInit} [init]
 * @param {AbortController} [request] aborts it; a connection that stalls is then, and after a while anyway, as good as none
 * @param {(response: Response) => Promise<any>} [read] what has come
 * @returns {Promise<any>} the answer, or null where there is none
 */
async function ask(path, init = {}, request = new AbortController(), read = (response) => response.json()) {
  AbortSignal.timeout(LONGEST_ANSWER).addEventListener('abort', () => request.abort());
  const { signal } = request;
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(path, { ...init, signal }).catch(() => { throw new Problem(texts.offline, 0); });
    if (response.ok) {
      if (response.status === 204) return null;
      return read(response).catch(() => {
        throw signal.aborted ? new Problem(texts.offline, 0) : new Problem(texts.badAnswer, response.status);
      });
    }
    const wait = Number(response.headers.get('Retry-After') ?? 'NaN');
    if (![429, 503].includes(response.status) || attempt === RETRIES || !(wait <= LONGEST_WAIT)) throw await problemOf(response);
    await new Promise((resume) => { window.setTimeout(resume, wait * 1000); });
  }
}

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
