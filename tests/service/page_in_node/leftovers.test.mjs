/** Drafts whose page went without a word, as at the end of the browser: the next page deletes them, and no others. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { endBrowser, load, openPage, teach } from './small_document.mjs';
import { settled, SmallService, until } from './small_service.mjs';

const { texts } = await load('texts.js');
const names = () => [...service.tasks.values()].map((task) => task.name);
const listed = () => document.getElementById('kept-list').children.length;

let service;

beforeEach(async () => {
  endBrowser();
  while (localStorage.length) localStorage.removeItem(localStorage.key(0));
  service = new SmallService();
  service.task('kept');
  await openPage();
  await teach();
  assert.equal(service.tasks.size, 2);
});

test('the draft of a browser that ended is not listed, and deleted', async () => {
  endBrowser();
  await openPage();
  await settled();
  assert.equal(listed(), 1);
  await until(() => service.tasks.size === 1);
  assert.deepEqual(names(), ['kept']);
  assert.equal(localStorage.length, 0);
});

test('the draft of a page that is still open stays, and is not listed on another', async () => {
  const first = document;
  await openPage();
  await teach();
  assert.equal(listed(), 1);
  const [gone] = service.tasks.values();
  service.tasks.delete(gone.id); // the rest of the test waits for the roll call's end
  localStorage.setItem('metashot.draft.gone', 'held');
  await openPage();
  await until(() => localStorage.getItem('metashot.draft.gone') === null);
  assert.equal(service.tasks.size, 2);
  assert.equal(first.getElementById('standing').dataset.state, 'ready');
});

test('one that cannot be deleted is deleted by the page after that', async () => {
  endBrowser();
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => { if (init?.method === 'DELETE') throw new TypeError('offline'); return fetch(path, init); };
  await openPage();
  await settled();
  globalThis.fetch = fetch;
  await openPage();
  await until(() => service.tasks.size === 1);
  assert.deepEqual(names(), ['kept']);
});

test('what was kept is no leftover', async () => {
  document.getElementById('go-on').querySelector('form').dispatchEvent(new Event('submit'));
  await until(() => names().includes('Class 1, Class 2'));
  await settled();
  endBrowser();
  assert.equal(localStorage.length, 0);
});
