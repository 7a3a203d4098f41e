/** What to do next with the classifier: keep it; and the initialization it was made from, with its licence. */

import { blame, buttonById, byId, inputById, say, tell } from './dom.js';
import { sortedBy } from './in-order.js';
import { Problem } from './requests.js';
import { texts } from './texts.js';

/** @typedef {import('./classifiers.js').Classifier} Classifier */

export class GoOn {
  /** @type {Classifier | null} the one shown */
  #shown = null;
  #place = byId('go-on');
  #heading = byId('go-on-heading');
  #link = byId('to-keep');
  #form = byId('keep-form');
  #name = inputById('keep-name');
  #button = buttonById('keep');
  #keptAs = byId('kept-as');
  #note = byId('keep-note');
  #origin = byId('learned-with');
  #isTyped = false; // the name, by the user, who is not to lose it
  #isKeeping = false;

  /**
   * @param {(name: string) => Promise<string>} keep gives the sentence that says so
   * @param {(model: string) => Promise<string>} licenceOf empty where none is known
   * @param {() => string[]} labels of the classes, in the order of the page
   */
  constructor(keep, licenceOf, labels) {
    this.keep = keep;
    this.licenceOf = licenceOf;
    this.labels = labels;
    this.#name.addEventListener('input', () => { this.#isTyped = true; });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {Classifier | null} classifier @param {boolean} isLearning whether another one is on its way */
  show(classifier, isLearning) {
    this.#button.setAttribute('aria-disabled', String(!classifier)); // a disabled one would lose the focus
    if (!classifier) {
      const isNeeded = this.#place.contains(document.activeElement) || this.#isKeeping || this.#note.textContent || (isLearning && !this.#form.hidden);
      this.#place.hidden ||= !isNeeded;
    } else if (classifier !== this.#shown) this.#put(classifier);
    this.#link.hidden = this.#place.hidden || this.#form.hidden;
    this.#shown = classifier;
  }

  /** @param {Classifier} classifier */
  #put({ task, kept }) {
    const left = kept ? this.#form : this.#keptAs;
    const held = left.contains(document.activeElement);
    this.#place.hidden = false;
    this.#form.hidden = kept;
    this.#keptAs.hidden = !kept;
    this.#heading.textContent = kept ? texts.goOnKept : texts.goOnHeading;
    this.#keptAs.textContent = kept ? texts.kept(task.name || texts.untitled) : '';
    const named = task.classes.map((one) => one.label);
    if (!this.#isTyped) this.#name.value = texts.suggestedName(sortedBy(this.labels(), named, String));
    const isNews = this.#note.classList.contains('is-news');
    if (!this.#isKeeping && (kept || !isNews)) tell(this.#note, ''); // trouble with the one before; what was kept is still so
    this.#origin.textContent = texts.learnedWith(task.model);
    this.licenceOf(task.model).then((licence) => {
      if (this.#shown?.task.model === task.model) this.#origin.textContent = [texts.learnedWith(task.model), licence].filter(Boolean).join(' ');
    });
    if (held) (kept ? this.#keptAs : this.#name).focus(); // what had the keyboard is hidden now
  }

  async #submit() {
    const name = this.#name.value.trim();
    if (this.#isKeeping) return;
    if (!name) {
      tell(this.#note, '', texts.nameKept);
      blame(this.#name, this.#note);
      this.#name.focus();
      return;
    }
    if (!this.#shown) {
      tell(this.#note, '', texts.keepLater);
      return;
    }
    this.#isKeeping = true;
    tell(this.#note, texts.keeping);
    try {
      this.#told(await this.keep(name));
    } catch (error) {
      tell(this.#note, '', error instanceof Problem ? error.message : '');
      if (!(error instanceof Problem)) throw error;
    } finally {
      this.#isKeeping = false;
    }
  }

  /** @param {string} sentence what was kept */
  #told(sentence) {
    this.#isTyped = false;
    const isShown = this.#keptAs.textContent === sentence;
    tell(this.#note, isShown ? '' : sentence);
    if (isShown && document.activeElement !== this.#keptAs) say(sentence);
  }
}
