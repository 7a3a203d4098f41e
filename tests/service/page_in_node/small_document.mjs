/**
 * As much of a browser's document as the page uses, for tests without a browser: elements of index.html, their
 * attributes and events, and above all the focus, which an element loses when it leaves, hides or is disabled.
 */

import { readFileSync } from 'node:fs';

import { HOME, image, settled, SIGNATURE, SmallService, until } from './small_service.mjs';

const PAGE = new URL('../../../service/page/', import.meta.url);
const HTML = readFileSync(new URL('index.html', PAGE), 'utf8');
const BODY = HTML.slice(HTML.indexOf('<body>') + '<body>'.length, HTML.indexOf('</body>')).replace(/<!--[^]*?-->/g, '');
/** Each tag of the body: whether it closes, its name and its attributes. */
const TAGS = [...BODY.matchAll(/<(\/?)([\w!]+)([^>]*)>/g)].map(([, closing, tag, attributes]) => (
  { closing, tag, attributes: [...attributes.matchAll(/([\w-]+)(?:="([^"]*)")?/g)] }
));
const VOID = new Set(['meta', 'link', 'img', 'input', '!doctype']);

export class SmallElement extends EventTarget {
  constructor(tag) {
    super();
    Object.assign(this, { tag, parent: null, nodes: [], attributes: new Map(), dataset: {}, style: {}, value: '' });
    const classes = () => (this.getAttribute('class') ?? '').split(' ').filter(Boolean);
    this.classList = {
      contains: (name) => classes().includes(name),
      toggle: (name, on) => this.setAttribute('class', [...classes().filter((one) => one !== name), ...(on ? [name] : [])].join(' ')),
    };
  }

  getAttribute(name) { return this.attributes.get(name) ?? null; }
  setAttribute(name, value) {
    this.attributes.set(name, String(value));
    if (name === 'value') this.value = String(value);
  }
  removeAttribute(name) { this.attributes.delete(name); }

  get type() { return this.getAttribute('type'); }
  get id() { return this.getAttribute('id'); }
  get hidden() { return this.attributes.has('hidden'); }
  set hidden(on) { this.#flag('hidden', on); }
  get disabled() { return this.attributes.has('disabled'); }
  set disabled(on) { this.#flag('disabled', on); }
  #flag(name, on) { if (on) this.attributes.set(name, ''); else this.attributes.delete(name); }

  get children() { return this.nodes.filter((node) => node instanceof SmallElement); }
  get firstElementChild() { return this.children[0] ?? null; }
  get textContent() { return this.nodes.map((node) => (typeof node === 'string' ? node : node.textContent)).join(''); }
  set textContent(text) { this.replaceChildren(...(text ? [text] : [])); }
  append(...nodes) { for (const node of nodes) this.#adopt(node, this.nodes.length); }
  prepend(...nodes) { nodes.forEach((node, index) => this.#adopt(node, index)); }
  insertBefore(node, before) { node.remove(); this.#adopt(node, before ? this.nodes.indexOf(before) : this.nodes.length); }
  replaceChildren(...nodes) { for (const child of this.children) child.remove(); this.nodes = []; this.append(...nodes); }
  replaceWith(node) { this.parent?.insertBefore(node, this); this.remove(); }
  remove() {
    if (this.parent) this.parent.nodes = this.parent.nodes.filter((node) => node !== this);
    this.parent = null;
  }
  #adopt(node, index) {
    if (node instanceof SmallElement) { node.remove(); node.parent = this; }
    this.nodes.splice(index, 0, node);
  }

  get lineage() { return [this, ...(this.parent?.lineage ?? [])]; }
  get isConnected() { return this.lineage.at(-1) === document.body; }
  contains(other) { return other?.lineage.includes(this) ?? false; }
  /** Of selectors, only [hidden]. */
  closest() { return this.lineage.find((one) => one.hidden) ?? null; }
  get all() { return this.children.flatMap((child) => [child, ...child.all]); }
  /** Selectors of one tag, class, id or attribute are enough here. */
  querySelectorAll(selector) {
    const [, kind, name] = /^([.#[]?)([\w-]+)\]?$/.exec(selector);
    const fits = {
      '': (one) => one.tag === name, '.': (one) => one.classList.contains(name),
      '#': (one) => one.id === name, '[': (one) => one.attributes.has(name),
    }[kind];
    return this.all.filter(fits);
  }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }

  get isFocusable() { return this.isConnected && !this.lineage.some((one) => one.hidden) && !this.disabled; }
  focus() {
    const last = document.activeElement;
    if (!this.isFocusable || last === this) return;
    document.focused = this;
    last.dispatchEvent(new Event('blur'));
    this.dispatchEvent(Object.assign(new Event('focus'), { relatedTarget: last }));
  }
  blur() {
    if (document.activeElement !== this) return;
    document.focused = document.body;
    this.dispatchEvent(new Event('blur'));
  }
  click() { this.focus(); this.dispatchEvent(new Event('click')); }
  select() {}
  scrollIntoView() {}
  /** What was painted since the sheet was last filled. */
  painted = [];
  getContext() {
    const call = (name) => (...numbers) => {
      if (name === 'fillRect') this.painted = [];
      this.painted.push([name, ...numbers]);
    };
    return new Proxy({}, { get: (_context, name) => call(name), set: () => true });
  }
  toBlob(take) { take(new Blob([SIGNATURE, 'drawing'], { type: 'image/png' })); }
  setPointerCapture() {}
  getBoundingClientRect() { return { left: 0, top: 0, width: 448, height: 448 }; }
}

class SmallInput extends SmallElement {}

class SmallDocument extends EventTarget {
  body = new SmallElement('body');
  focused = this.body;
  get activeElement() { return this.focused.isFocusable ? this.focused : this.body; }
  createElement(tag) { return tag === 'input' ? new SmallInput(tag) : new SmallElement(tag); }
  createElementNS(_space, tag) { return new SmallElement(tag); }
  getElementById(id) { return this.body.querySelector(`#${id}`); }
  querySelectorAll(selector) { return this.body.querySelectorAll(selector); }
}

/** What the page that is open has planned for later, and does no more once another one is opened. */
let planned = [];

/** Put index.html into a new document, and make it and its window global. */
export function openDocument() {
  planned.forEach((timer) => clearTimeout(timer));
  planned = [];
  globalThis.document = new SmallDocument();
  globalThis.Element = SmallElement;
  globalThis.HTMLElement = SmallElement;
  globalThis.HTMLInputElement = SmallInput;
  globalThis.window = Object.assign(new EventTarget(), {
    location: { origin: new URL(HOME).origin, href: `${HOME}#to-keep` },
    setTimeout: (call, delay) => {
      planned.push(setTimeout(call, delay / 5).unref()); // sooner than for people, and no test's end waits for it
      return planned.at(-1);
    },
    clearTimeout: (timer) => clearTimeout(timer),
  });
  let place = document.body;
  for (const { closing, tag, attributes } of TAGS) {
    if (closing) { place = place.parent; continue; }
    const made = document.createElement(tag);
    for (const [, name, value] of attributes) made.setAttribute(name, value ?? '');
    place.append(made);
    if (!VOID.has(tag)) place = made;
  }
}

/** @param {string} name @returns {Promise<any>} a module of the page */
export const load = (name) => import(new URL(name, PAGE));

/** As a browser decodes: all but what ends with 'torn'. */
globalThis.createImageBitmap = async (blob) => {
  if ((await blob.text()).endsWith('torn')) throw new DOMException('no image', 'InvalidStateError');
  return { width: 1, height: 1, close: () => {} };
};

let pages = 0;

/** Open the whole page in a document of its own. */
export async function openPage() {
  openDocument();
  pages += 1;
  await load(`main.js?${pages}`); // another address, so that it runs again
}

/**
 * Open the page, and on it a kept classifier, the only one that the service has.
 * @param {string} name
 */
export async function openKept(name) {
  const service = new SmallService();
  const task = service.task(name);
  await openPage();
  await settled();
  toOpen(name).click();
  await settled();
  return { service, task };
}

/** @param {string} text @returns {SmallElement} the shown button of that text, or named so to a screen reader */
export function button(text) {
  const named = (one) => [one.textContent, one.ariaLabel, one.getAttribute('aria-label')].includes(text);
  return document.querySelectorAll('button').find((one) => named(one) && one.isFocusable);
}

/** @returns {SmallElement | undefined} of a kept classifier's buttons, that to open it and that to delete it */
function keptButton(name, index) {
  const row = document.getElementById('kept-list').children.find((one) => one.querySelector('.kept-name').textContent === name);
  return row?.querySelectorAll('button')[index];
}
export const toOpen = (name) => keptButton(name, 0);
export const toDelete = (name) => keptButton(name, 1);

/** Choose `files` in the file input of that id, or in `input` itself. */
export function choose(input, files) {
  const field = typeof input === 'string' ? document.getElementById(input) : input;
  field.files = files.map((file) => Object.assign(file, { webkitRelativePath: '' }));
  field.dispatchEvent(new Event('change'));
}

/** Move the pen over a sheet: 'down', 'move' and 'up' with their places. */
export function pen(canvas, ...moves) {
  for (const [kind, x, y] of moves) {
    canvas.dispatchEvent(Object.assign(new Event(`pointer${kind}`), { pointerId: 1, button: 0, clientX: x, clientY: y }));
  }
}

export const spoken = () => document.getElementById('spoken').textContent;

/** Give each class of the page an image. */
export function giveExamples() {
  const inputs = document.getElementById('classes').querySelectorAll('input');
  inputs.filter((input) => input.getAttribute('type') === 'file').forEach((input, index) => choose(input, [image(`${index}.png`)]));
}

/** Give each class of the page an image, and wait until they are learned. */
export async function teach() {
  giveExamples();
  await until(() => document.getElementById('standing').dataset.state === 'ready');
}
