/** For programs: one command that asks the classifier that answers, or makes one, and where all routes are described. */

import { byId, element, say } from './dom.js';
import { texts } from './texts.js';

/** @typedef {import('./classifiers.js').Classifier} Classifier */

const COPIED_FOR = 2000; // milliseconds

export class Programs {
  /** @type {Classifier | null | undefined} the one shown; undefined before the first */
  #shown;
  #hint = byId('programs-hint');
  #code = element('code');
  #note = byId('programs-note');

  constructor() {
    const copy = element('button', { type: 'button', class: 'button', text: texts.copy, onclick: () => this.#copy(copy) });
    const block = element('pre', {}, [this.#code]);
    byId('programs-command').append(block, copy);
  }

  /** @param {Classifier | null} classifier */
  show(classifier) {
    if (classifier === this.#shown) return;
    this.#shown = classifier;
    const kept = classifier?.kept ? texts.commandKept : texts.commandDraft;
    this.#hint.textContent = classifier ? kept : texts.commandNone;
    this.#code.textContent = command(classifier);
    this.#note.textContent = '';
  }

  /** @param {HTMLElement} button */
  async #copy(button) {
    try {
      await navigator.clipboard.writeText(this.#code.textContent ?? '');
      button.textContent = texts.copied;
      say(texts.copied);
      window.setTimeout(() => { button.textContent = texts.copy; }, COPIED_FOR);
    } catch {
      window.getSelection()?.selectAllChildren(this.#code); // no clipboard without https or permission
      this.#note.textContent = texts.copyFailed;
    }
  }
}

/** @param {Classifier | null} classifier @returns {string} */
function command(classifier) {
  const { origin, pathname } = new URL('.', window.location.href); // not `href`, which may hold a password
  const query = `-F query=@${texts.queryPlaceholder}`;
  if (classifier) return `curl ${query} ${origin}${pathname}v1/tasks/${encodeURIComponent(classifier.task.id)}/classify`;
  const support = texts.labelPlaceholders.map((label) => `-F support=@${label}.png -F labels=${label}`);
  return ['curl', ...support, query, `${origin}${pathname}v1/classify`].join(' ');
}
