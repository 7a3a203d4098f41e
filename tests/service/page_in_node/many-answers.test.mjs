/** Hundreds of answers: they are found at once, and what comes after them on the page stays within reach. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, giveExamples, load, openPage, SmallElement, teach } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { Answer } = await load('answer.js');
const { texts } = await load('texts.js');
const rows = () => document.getElementById('answers').children;
const names = (count) => Array.from({ length: count }, (_, index) => image(`${index}.png`));

beforeEach(async () => {
  new SmallService();
  await openPage();
  await teach();
});

test('answers follow what was asked, and a link before them leads to "Keep it" after them', async () => {
  const link = document.getElementById('to-keep');
  choose('choose-queries', names(3));
  await settled();
  const order = document.body.all;
  const places = [document.getElementById('choose-queries'), link, rows()[0], rows()[2], button(texts.keep)].map((one) => order.indexOf(one));
  assert.deepEqual(places, [...places].sort((one, other) => one - other));
  assert.equal(link.getAttribute('href'), '#go-on-heading');
  assert.ok(link.isFocusable);
  button(texts.keep).click();
  document.getElementById('keep-form').dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
  assert.ok(link.hidden, 'kept already');
});

test('whoever chooses images is led to their answers', async (context) => {
  const scrolled = context.mock.method(SmallElement.prototype, 'scrollIntoView');
  choose('choose-queries', names(2));
  await settled();
  assert.deepEqual(scrolled.mock.calls.map((call) => call.this), [rows()[0]]);
});

test('the answers have a heading from the first one on, which names their list', async () => {
  const tools = document.getElementById('answers-tools');
  assert.ok(tools.hidden);
  choose('choose-queries', names(1));
  await settled();
  assert.ok(!tools.hidden);
  assert.ok(tools.contains(document.getElementById(document.getElementById('answers').getAttribute('aria-labelledby'))));
});

test('of many answers the newest are shown, and the rest once it is asked for', async () => {
  choose('choose-queries', names(25));
  await settled();
  assert.equal(rows().length, 20);
  button(texts.moreAnswers(5)).click();
  assert.equal(rows().length, 25);
  assert.equal(button(texts.moreAnswers(5)), undefined);
  assert.equal(document.activeElement, button(texts.removeQuery('20.png')));
  choose('choose-queries', names(1));
  await settled();
  assert.equal(rows().length, 26);
});

test('how long many took is told once', async () => {
  choose('choose-queries', names(25));
  await settled();
  assert.match(document.getElementById('answers-timing').textContent, /^25 images answered in /);
  assert.deepEqual(new Set(document.getElementById('answers').querySelectorAll('.timing').map((one) => one.textContent)), new Set(['']));
  choose('choose-queries', names(1));
  await settled();
  assert.match(rows()[0].querySelector('.timing').textContent, /^Answered in /);
});

test('of many that are being answered, and of many that are answered anew, one sees how many are done', async () => {
  const service = new SmallService();
  await openPage();
  await teach();
  const timing = () => document.getElementById('answers-timing').textContent;
  const { fetch } = globalThis;
  let goOn = () => {};
  globalThis.fetch = async (path, init) => {
    if (path.endsWith('/classify')) await new Promise((done) => { goOn = done; });
    return fetch(path, init);
  };
  const next = async () => { const go = goOn; goOn = () => {}; go(); await settled(); };
  choose('choose-queries', names(45));
  await settled();
  await next();
  assert.equal(timing(), texts.answeredSoFar(20, 45));
  await next();
  assert.equal(timing(), texts.answeredSoFar(40, 45));
  await next();
  assert.match(timing(), /^45 images answered in /);

  service.asked = [];
  giveExamples();
  await until(() => timing() === texts.askingAgain && service.asked.includes('POST /v1/tasks'));
  await settled();
  await next();
  assert.equal(timing(), texts.answeredSoFar(20, 45));
  service.asked = [];
  giveExamples();
  await until(() => timing() === texts.askingAgain && service.asked.includes('POST /v1/tasks'));
  globalThis.fetch = fetch;
  await next();
  await until(() => /^45 images answered in /.test(timing()));
});

test('a batch that breaks off tells no more that it goes on', async () => {
  const { fetch } = globalThis;
  let count = 0;
  globalThis.fetch = async (path, init) => {
    if (path.endsWith('/classify')) count += 1;
    return count === 2 ? new Response('{}', { status: 500 }) : fetch(path, init);
  };
  choose('choose-queries', names(25));
  await settled();
  assert.match(document.getElementById('answers-timing').textContent, /^20 images answered in /);
});

test('one that is removed makes room for the next', async () => {
  choose('choose-queries', names(21));
  await settled();
  button(texts.removeQuery('0.png')).click();
  assert.equal(rows().length, 20);
  assert.ok(document.getElementById('answers-more').hidden);
});

test('of many classes the likeliest are shown, and the sum of the others', () => {
  const answer = new Answer(() => null, () => {}, 4, () => []);
  const probabilities = { a: 0.125, b: 0.0625, c: 0.5, d: 0.0625, e: 0.25 };
  answer.show({ state: 'answered', prediction: { label: 'c', probability: 0.5, probabilities, unknown: false }, timing: '' });
  const bars = answer.element.querySelectorAll('.bar').map((bar) => [bar.getAttribute('aria-label'), bar.getAttribute('aria-valuenow')]);
  assert.deepEqual(bars, [['c', '0.5'], ['e', '0.25'], [texts.others(3), '0.25']]);
});

test('tiny shares are numbers as ARIA has them, without exponents', () => {
  const answer = new Answer(() => null, () => {}, 4, () => []);
  answer.show({ state: 'answered', prediction: { label: 'a', probabilities: { a: 0.9999997, b: 3e-7 }, unknown: false }, timing: '' });
  assert.deepEqual(answer.element.querySelectorAll('.bar').map((one) => one.getAttribute('aria-valuenow')), ['1', '0']);
});

test('bars stand in the order of the page\'s classes, whatever that of the service', () => {
  const answer = new Answer(() => null, () => {}, 4, () => ['b', 'c']);
  answer.show({ state: 'answered', prediction: { label: 'c', probabilities: { a: 0.25, b: 0.25, c: 0.5 }, unknown: false }, timing: '' });
  assert.deepEqual(answer.element.querySelectorAll('.bar-label').map((one) => one.textContent), ['b', 'c', 'a']);
});

test('an answer that is asked for again stays as it is when a class is renamed or an image removed', () => {
  let labels = ['oak', 'ash'];
  let url = 'blob:1';
  const answer = new Answer(() => url, () => {}, 4, () => labels);
  const nearest = [{ label: 'oak', similarity: 0.5, filename: '7.png' }];
  const prediction = { label: 'oak', probabilities: { oak: 0.75, ash: 0.25 }, unknown: false, nearest };
  const seen = () => ['.bar-label', 'img'].flatMap((one) => answer.element.querySelectorAll(one));
  answer.show({ state: 'answered', prediction, timing: '' });
  const before = seen();
  assert.equal(before.length, 3);
  [labels, url] = [['holm oak', 'ash'], null];
  answer.show({ state: 'asking', prediction, timing: '' });
  assert.deepEqual(seen(), before);
  answer.show({ state: 'answered', prediction: { ...prediction, label: 'ash' }, timing: '' });
  assert.equal(answer.element.querySelector('.winner').textContent, 'ash');
});
