/** How to go on with the classifier: keep it, and ask it from a terminal or a program. */

import { byId, element } from './dom.js';
import { Problem } from './api.js';
import { texts } from './texts.js';

/** @typedef {import('./classifiers.js').Classifier} Classifier */

export class GoOn {
  /** @type {Classifier | null} the one shown */
  #shown = null;
  #place = byId('go-on');

  /** @param {(name: string) => Promise<void>} keep */
  constructor(keep) {
    this.keep = keep;
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
      ...command(task.id),
    );
    if (held) state.focus(); // the form was pressed and is gone
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
        saving = true;
        note.textContent = '';
        try {
          await this.keep(name.value.trim());
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

/** @param {string} id of the task @returns {HTMLElement[]} a command to copy */
function command(id) {
  const line = `curl -F query=@${texts.queryPlaceholder} ${window.location.origin}/v1/tasks/${encodeURIComponent(id)}/classify`;
  const code = element('code', { text: line });
  const note = element('p', { class: 'note', role: 'status' });
  const button = element('button', {
    type: 'button', class: 'button', text: texts.copy,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(line);
        button.textContent = texts.copied;
        window.setTimeout(() => { button.textContent = texts.copy; }, 2000);
      } catch {
        window.getSelection()?.selectAllChildren(code); // no clipboard without https or permission
        note.textContent = texts.copyFailed;
      }
    },
  });
  const block = element('pre', { tabindex: '0', 'aria-label': texts.command }, [code]);
  return [element('p', { class: 'hint', text: texts.commandHint }), element('div', { class: 'command' }, [block, button]), note];
}
