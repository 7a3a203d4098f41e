/**
 * A service in a few lines behind `fetch`: tasks are kept in a map, files that end with 'damaged' are refused. What it takes
 * for the sha256 of a file is its whole content, if that is short.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

/** Where the page and the service are: behind a proxy that gives them a path below its own root. */
export const HOME = 'http://page.test/of/images/';

let answering = 0;

export class SmallService {
  tasks = new Map();
  /** Addresses that were asked for, with their methods, in order. */
  asked = [];
  /** What it finds doubtful, of all tasks: `[filename, label, resembles]`. */
  doubtful = [];
  /** Ids of the tasks whose doubts were asked for, apart from `asked`: they come whenever the page has time. */
  doubtsAsked = [];
  estimate = { accuracy: 0.8, low: 0.7, high: 0.9 };
  /** What `auto` chooses from now on, also for tasks that change. */
  model = 'photos';
  #ids = 0;
  #held = new Map();
  /** Long contents, by their sha256. */
  #long = new Map();

  constructor() {
    globalThis.fetch = (path, init) => this.#fetch(this.#asProxied(path), init);
  }

  /** Let requests such as 'POST /v1/tasks' wait until the function given back is called. */
  hold(request) {
    let release;
    this.#held.set(request, new Promise((done) => { release = () => { this.#held.delete(request); done(); }; }));
    return release;
  }

  /** A kept one, or given the seconds that it lasts, a temporary one. */
  task(name, labels = ['ring', 'cross'], expiresIn = null) {
    this.#ids += 1;
    const task = {
      id: `t${this.#ids}`, name, version: 1, model: this.model, estimate: this.estimate, created: new Date(2026, 0, 2, 3, 4, this.#ids).toISOString(), expires_in: expiresIn,
      classes: [...new Set(labels)].map((label) => ({ label, examples: labels.filter((one) => one === label).length })),
      examples: labels.map((label, index) => ({ id: `e${index}`, label, filename: `${index}.png`, sha256: String(index) })),
    };
    this.tasks.set(task.id, task);
    return task;
  }

  /** The address that the proxy asks the service for. */
  #asProxied(path) {
    const { href } = new URL(path, HOME);
    assert.ok(href.startsWith(HOME), `${href} is not the service's`);
    return `/${href.slice(HOME.length)}`;
  }

  async #fetch(path, { method = 'GET', body } = {}) {
    const request = `${method} ${path.replace(/\?.*/, '')}`;
    const doubted = /^GET .v1.tasks.(\w+).left-out$/.exec(request)?.[1];
    if (doubted) this.doubtsAsked.push(doubted);
    else this.asked.push(request);
    // What the service does, it does at once; only the answer's way back takes longer.
    const late = this.#held.get(request);
    if (method === 'DELETE') await late;
    answering += 1;
    const answer = await this.#answer(request, path, body).finally(() => { answering -= 1; });
    if (method !== 'DELETE') await late;
    return answer;
  }

  async #answer(request, path, body) {
    for (const file of [...(body?.values?.() ?? [])].filter((value) => value instanceof File)) {
      if ((await file.slice(-'damaged'.length).text()) === 'damaged') return problem(422, `${file.name} is damaged`, file.name);
    }
    if (request === 'POST /v1/tasks') {
      const task = this.task(body.get('name'), body.getAll('labels'), body.has('expires_in') ? Number(body.get('expires_in')) : null);
      return json(Object.assign(task, { examples: await this.#examples(body) }));
    }
    if (request === 'GET /v1/tasks') return json(this.#page(new URL(path, 'http://page.test').searchParams));
    if (request === 'GET /v1/models') return json({ items: [{ name: 'photos', card: { licence: 'For research only.' } }, { name: 'signs', card: { licence: 'For all.' } }] });
    const [, id, rest] = /^\w+ \/v1\/tasks\/(\w+)(.*)$/.exec(request) ?? [];
    const task = this.tasks.get(id);
    if (!task) return problem(404, 'not found');
    const example = /^\/examples\/(\w+)$/.exec(rest)?.[1];
    const shown = task.examples.find((one) => one.id === example);
    if (example && !shown) return problem(404, 'not found');
    if (example && request.startsWith('GET')) return new Response(this.#long.get(shown.sha256) ?? shown.sha256, { headers: { 'Content-Type': 'image/png' } });
    if (rest === '/left-out') return json({ items: task.examples.map((one) => this.#leftOut(one)) });
    if (request.startsWith('GET')) return json(task);
    const version = new URL(path, 'http://page.test').searchParams.get('version');
    if (version !== null && Number(version) !== task.version) return problem(409, 'look at it', undefined, 'Task changed');
    if (rest === '/keep') return json(Object.assign(task, { name: body.get('name'), expires_in: null }));
    if (rest === '/classify') return json({ predictions: body.getAll('query').map((file) => this.#prediction(file.name, task)) });
    if (rest === '/examples') {
      const added = await this.#examples(body);
      const now = this.tasks.get(id);
      return json(this.#change(now, [...now.examples, ...added]));
    }
    if (rest.startsWith('/classes/')) {
      const label = decodeURIComponent(rest.slice('/classes/'.length));
      return json(this.#change(task, task.examples.filter((one) => one.label !== label)));
    }
    if (example && request.startsWith('POST')) {
      const label = body.get('label');
      return json(this.#change(task, task.examples.map((one) => (one.id === example ? { ...one, label } : one))));
    }
    if (example) return json(this.#change(task, task.examples.filter((one) => one.id !== example)));
    this.tasks.delete(id);
    return new Response(null, { status: 204 });
  }

  #leftOut({ id, label, filename }) {
    const [, , resembles] = this.doubtful.find((one) => one[0] === filename && one[1] === label) ?? [];
    return { id, label, filename, probability: resembles ? 0.01 : 0.9, resembles: resembles ?? label, doubtful: resembles !== undefined };
  }

  #page(search) {
    const all = [...this.tasks.values()].filter((task) => task.expires_in === null).reverse();
    const start = Number(search.get('cursor') ?? 0);
    const end = start + Number(search.get('limit'));
    return { items: all.slice(start, end), next_cursor: end < all.length ? String(end) : null };
  }

  async #examples(body) {
    const given = typeof body === 'string'
      ? JSON.parse(body).support.map(({ image: base64, ...one }) => ({ ...one, sha256: this.#sha256(Buffer.from(base64, 'base64').toString()) }))
      : await Promise.all(body.getAll('support').map(async (file, index) => ({
        label: body.getAll('labels')[index], filename: file.name, sha256: this.#sha256(await file.text()),
      })));
    return given.map((one) => {
      this.#ids += 1;
      return { id: `e${this.#ids + 100}`, ...one };
    });
  }

  #sha256(content) {
    if (content.length < 1000) return content;
    const found = createHash('sha256').update(content).digest('hex');
    this.#long.set(found, content);
    return found;
  }

  #change(task, examples) {
    const made = this.task(task.name, examples.map((one) => one.label), task.expires_in);
    const changed = { ...made, id: task.id, version: task.version + 1, examples };
    this.tasks.delete(made.id);
    this.tasks.set(task.id, changed);
    return changed;
  }

  #prediction(filename, { classes: [first, ...others] }) {
    const probabilities = Object.fromEntries([[first.label, 0.75], ...others.map((one) => [one.label, 0.25 / others.length])]);
    return { filename, label: first.label, probability: 0.75, probabilities, unknown: false, nearest: [] };
  }
}

const json = (body) => new Response(JSON.stringify(body));
const problem = (status, detail, file, title = 'Refused') => new Response(JSON.stringify({ title, detail, file }), { status });

/** What every PNG begins with. */
export const SIGNATURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);

/** @returns {File} that the service reads, or with the content 'damaged' does not */
export const image = (name, content = name) => new File([SIGNATURE, content], name, { type: 'image/png' });

/** Wait until `condition` holds, as a user would who looks at the page. */
export async function until(condition) {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (condition()) return;
    await new Promise((resume) => { setTimeout(resume, 1); });
  }
  throw new Error(`never came true: ${condition}`);
}

/** Let all that goes on come to its end: requests, but for those on hold, and what follows from them. */
export async function settled() {
  for (let quiet = 0; quiet < 20; quiet = answering ? 0 : quiet + 1) await new Promise((resume) => { setImmediate(resume); });
}

/** Let `answer` come instead of the service's to the next request that `isMeant`, such as 'GET v1/tasks', after it has done what it is asked, or not. */
export function instead(isMeant, answer, isDone = true) {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init = {}) => {
    if (!isMeant(`${init.method ?? 'GET'} ${path}`)) return fetch(path, init);
    globalThis.fetch = fetch;
    if (isDone) await fetch(path, init);
    return answer();
  };
}
export const cutOff = () => { throw new TypeError('cut off'); };
export const refusal = (status, body = {}) => () => new Response(JSON.stringify(body), { status });
