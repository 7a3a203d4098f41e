/** What the page says, and offers, when the service refuses or does not answer. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, giveExamples, openPage, teach, toOpen } from './small_document.mjs';
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

const tooMany = [
  [413, 'support', 'Too many files', "more than 1000 files in one request, at field 'support'; send several requests", texts.tooManyFiles('1000')],
  [413, 'labels', 'Too many fields', "more than 1016 text fields in one form, at 'labels'; leave some out, or send several requests: one takes at most 1000 files, with a label each", texts.tooManyFiles('1000')],
  [422, 'support', 'Too many examples', '1002 examples are more than the 1000 that one classifier takes', texts.tooManyExamples('1000')],
  [422, 'labels', 'Too many classes', '205 classes are more than the 200 that one classifier takes', texts.tooManyClasses('200')],
];
for (const [status, field, title, detail, sentence] of tooMany) {
  test(`${title.toLowerCase()} are told in words for people, with the limit`, async () => {
    new SmallService();
    await openPage();
    fail(status, { title, detail, field });
    giveExamples();
    await until(() => document.getElementById('standing').dataset.state === 'problem');
    assert.equal(document.getElementById('standing').textContent, sentence);
  });
}

test('an image that is too large for the service is named by it', async () => {
  new SmallService();
  await openPage();
  await teach();
  fail(413, { title: 'Image too large', detail: 'a.png has 99 x 99 pixels, make it smaller', file: 'a.png' });
  choose('choose-queries', [image('a.png')]);
  await settled();
  assert.match(document.getElementById('answers').textContent, /a\.png has 99 x 99 pixels, make it smaller/);
});

test('after the service was away one press asks about all that were not answered', async () => {
  const service = new SmallService();
  const { fetch } = globalThis;
  await openPage();
  await teach();
  fail(0);
  choose('choose-queries', Array.from({ length: 23 }, (_, index) => image(`${index}.png`)));
  await settled();
  const standing = document.getElementById('standing');
  assert.equal(standing.dataset.state, 'problem', 'it is not ready');
  const buttons = document.getElementById('answers').querySelectorAll('.again');
  assert.equal(new Set(buttons.map((one) => one.getAttribute('aria-label'))).size, 20);
  globalThis.fetch = fetch;
  service.asked = [];
  buttons[3].click();
  await settled();
  const states = document.getElementById('answers').querySelectorAll('.answer').map((one) => one.dataset.state);
  assert.deepEqual(new Set(states), new Set(['answered']));
  assert.equal(service.asked.length, 2, 'of 20 each at most');
  assert.equal(standing.dataset.state, 'ready');
});

test('how long answers took is not told of those that are lost', async () => {
  new SmallService();
  await openPage();
  await teach();
  choose('choose-queries', [image('a.png'), image('b.png')]);
  await settled();
  const timing = () => document.getElementById('answers-timing').textContent;
  assert.match(timing(), /^2 images answered in /);
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => (path.endsWith('/classify') ? new Response('{}', { status: 503 }) : fetch(path, init));
  const name = document.getElementById('classes').querySelector('.class-name');
  name.value = 'oak';
  name.dispatchEvent(new Event('input'));
  await until(() => document.getElementById('answers').querySelector('.answer').dataset.state === 'failed');
  await settled();
  assert.equal(timing(), '');
});

test('images that wait for a classifier are answered with the next that is asked about', async () => {
  new SmallService();
  const { fetch } = globalThis;
  await openPage();
  await teach();
  choose('choose-queries', [image('a.png')]);
  await settled();
  fail(0);
  const name = document.getElementById('classes').querySelector('.class-name');
  name.value = 'oak';
  name.dispatchEvent(new Event('input'));
  await until(() => document.getElementById('standing').dataset.state === 'problem');
  await settled();
  const answer = document.getElementById('answers').querySelector('.winner');
  assert.equal(answer.textContent, texts.unlearned, 'nothing goes on that could be waited for');
  globalThis.fetch = fetch;
  choose('choose-queries', [image('b.png')]);
  await settled();
  const states = document.getElementById('answers').querySelectorAll('.answer').map((one) => one.dataset.state);
  assert.deepEqual(states, ['answered', 'answered']);
});

test('what an opened classifier cannot answer is told as such, also where the own classes failed before', async () => {
  const service = new SmallService();
  service.task('shapes');
  const { fetch } = globalThis;
  await openPage();
  await settled();
  fail(0);
  giveExamples();
  await until(() => document.getElementById('standing').dataset.state === 'problem');
  globalThis.fetch = fetch;
  toOpen('shapes').click();
  await settled();
  fail(0);
  choose('choose-queries', [image('a.png')]);
  await settled();
  assert.equal(document.getElementById('answers').querySelector('.answer').dataset.state, 'failed');
  assert.equal(document.getElementById('standing').dataset.state, 'problem');
});

test('a service that never answers is told as one that is away', async (context) => {
  const limits = [];
  context.mock.method(AbortSignal, 'timeout', (milliseconds) => {
    limits.push(Object.assign(new AbortController(), { milliseconds }));
    return limits.at(-1).signal;
  });
  new SmallService();
  await openPage();
  await settled();
  globalThis.fetch = (_path, { signal }) => new Promise((_done, failed) => { signal.addEventListener('abort', () => failed(signal.reason)); });
  giveExamples();
  const standing = document.getElementById('standing');
  await until(() => standing.dataset.state === 'making' && limits.length > 2);
  assert.ok(limits.at(-1).milliseconds > 210_000, 'later than the service, which says more');
  limits.at(-1).abort();
  await settled();
  assert.equal(standing.firstElementChild.textContent, texts.stillHere(texts.offline));
  assert.ok(button(texts.tryAgain));
});
