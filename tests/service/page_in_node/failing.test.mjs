/** What the page says, and offers, when the service refuses or does not answer. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, giveExamples, openPage, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

/** Let every POST fail with this status, or without any answer for 0. */
function fail(status, body = { title: 'Refused', detail: 'for this test' }) {
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => {
    if (init?.method !== 'POST') return fetch(path, init);
    if (!status) throw new TypeError('offline');
    return new Response(JSON.stringify(body), { status });
  };
}

for (const [status, again] of [[0, true], [408, true], [429, true], [500, true], [413, false], [422, false]]) {
  test(`"Try again" is ${again ? '' : 'not '}offered after ${status || 'no answer'}`, async () => {
    new SmallService();
    await openPage();
    fail(status);
    giveExamples();
    const standing = document.getElementById('standing');
    await until(() => standing.dataset.state === 'problem');
    assert.equal(Boolean(button(texts.tryAgain)), again);
    assert.equal(/still here/.test(standing.textContent), again);
  });
}

for (const [status, again] of [[0, true], [503, true], [413, false]]) {
  test(`at an answer it is ${again ? '' : 'not '}offered after ${status || 'no answer'}`, async () => {
    new SmallService();
    await openPage();
    await teach();
    fail(status);
    choose('choose-queries', [image('a.png')]);
    await settled();
    assert.equal(document.getElementById('answers').querySelector('.answer').dataset.state, 'failed');
    assert.equal(Boolean(button(texts.tryAgain)), again);
  });
}

test('images that are too many for one request are told so, and what to do', async () => {
  new SmallService();
  await openPage();
  fail(413, { title: 'Request Entity Too Large', detail: 'larger than the 67108864 bytes allowed' });
  giveExamples();
  await until(() => document.getElementById('standing').dataset.state === 'problem');
  assert.equal(document.getElementById('standing').textContent, texts.tooMuch);
});

test('a limit that smaller images do not help with is told as the service names it', async () => {
  new SmallService();
  await openPage();
  fail(413, { title: 'Too many files', detail: "more than 1000 files in one request, at field 'support'", field: 'support' });
  giveExamples();
  await until(() => document.getElementById('standing').dataset.state === 'problem');
  assert.match(document.getElementById('standing').textContent, /more than 1000 files/);
});

test('an image that is too large for the service is named by it', async () => {
  new SmallService();
  await openPage();
  await teach();
  fail(413, { title: 'Image too large', detail: 'a.png has 99 x 99 pixels, make it smaller', file: 'a.png' });
  choose('choose-queries', [image('a.png')]);
  await settled();
  assert.match(document.getElementById('answers').textContent, /a\.png has 99 x 99 pixels, make it smaller/);
});
