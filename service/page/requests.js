/** Asks the service: again where it is busy, and with every failure as a `Problem` with a sentence to show. */

import { texts } from './texts.js';

const RETRIES = 2;
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
export async function ask(path, init = {}, request = new AbortController(), read = (response) => response.json()) {
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
