/** What to do next with the classifier: keep it; and the initialization it was made from, with its licence. */

import { byId, element } from './dom.js';
import { Problem } from './api.js';
import { texts } from './texts.js';

/** @typedef {import('./classifiers.js').Classifier} Classifier */

export class GoOn {
  /** @type {Classifier | null} the one shown */
  #shown = null;
  #place = byId('go-on');

  /**
   * @param {(name: string) => Promise<void>} keep
   * @param {(model: string) => Promise<string>} licenceOf empty where none is known
   */
  constructor(keep, licenceOf) {
    this.keep = keep;
    this.licenceOf = licenceOf;
  }

  /** @param {Classifier | null} classifier */
  show(classifier) {
    if (classifier === this.#shown) return;
    this.#shown = classifier;
    this.#place.hidden = !classifier;
    if (!classifier) return;
    const { task, kept } = classifier;
    const held = this.#place.contains(document.activeElement);
    const state = kept
      ? element('p', { class: 'hint', tabindex: '-1', text: texts.kept(task.name || texts.untitled) })
      : this.#keepForm(texts.suggestedName(task.classes.map((one) => one.label)));
    this.#place.replaceChildren(
      element('h3', { id: 'go-on-heading', text: texts.goOnHeading }),
      state,
      this.#origin(task.model),
    );
    if (held) state.focus(); // the form was pressed and is gone
  }

  /** @param {string} model */
  #origin(model) {
    const line = element('p', { class: 'hint', text: texts.learnedWith(model) });
    this.licenceOf(model).then((licence) => { line.textContent = [texts.learnedWith(model), licence].filter(Boolean).join(' '); });
    return line;
  }

  /** @param {string} suggested */
  #keepForm(suggested) {
    const name = element('input', { id: 'keep-name', type: 'text', maxlength: '100', required: true, autocomplete: 'off', value: suggested });
    const button = element('button', { class: 'button primary', text: texts.keep });
    const note = element('p', { class: 'note', role: 'status' });
    let saving = false; // a disabled button would lose the focus
    return element('form', {
      class: 'keep-form',
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        if (saving) return;
        const given = name.value.trim();
        note.textContent = given ? '' : texts.nameKept;
        if (!given) {
          name.focus();
          return;
        }
        saving = true;
        try {
          await this.keep(given);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          note.textContent = error.message;
        } finally {
          saving = false;
        }
      },
    }, [
      element('p', { class: 'hint', text: texts.keepHint }),
      element('div', { class: 'field-row' }, [element('label', { for: 'keep-name', text: texts.keepName }), name, button]),
      note,
    ]);
  }
}
