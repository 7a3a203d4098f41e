/**
 * Fills the page with drawings to try. The service may offer them by page/examples/examples.json:
 * `{"classes": [{"label": "alpha", "support": ["support/alpha/1.png"], "query": ["query/alpha/2.png"]}]}`,
 * addresses relative to that file.
 */

import { buttonById } from './dom.js';
import { texts } from './texts.js';

/** @typedef {{ label: string, support: string[], query: string[] }} ExampleClass */
/** @typedef {{ support: Map<string, File[]>, queries: File[] }} Example */

const MANIFEST = 'page/examples/examples.json';

/**
 * @param {(example: Example) => void} take called when the user asks for the example
 * @param {(sentence: string) => void} tell called with what went wrong, or with nothing when it went well
 */
export async function offerExample(take, tell) {
  const response = await fetch(MANIFEST).catch(() => null);
  if (!response?.ok) return;
  const { classes } = /** @type {{ classes: ExampleClass[] }} */ (await response.json());
  const button = buttonById('try-example');
  button.hidden = false;
  let loading = false; // a disabled button would lose the focus
  button.addEventListener('click', async () => {
    if (loading) return;
    loading = true;
    const filled = await Promise.all(classes.map(async (one) => ({
      label: one.label, support: await load(one.support), query: await load(one.query),
    }))).catch((error) => console.error(error)).finally(() => { loading = false; });
    tell(filled ? '' : texts.exampleFailed);
    if (filled) take({ support: new Map(filled.map((one) => [one.label, one.support])), queries: filled.flatMap((one) => one.query) });
  });
}

/** @param {string[]} paths @returns {Promise<File[]>} */
function load(paths) {
  return Promise.all(paths.map(async (path) => {
    const address = new URL(path, new URL(MANIFEST, window.location.href));
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address.pathname} is in examples.json, but the service does not have it.`);
    const name = decodeURIComponent(address.pathname.split('/').at(-1) ?? 'example.png');
    return new File([await response.blob()], name, { type: 'image/png' });
  }));
}
