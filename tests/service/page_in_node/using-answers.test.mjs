/** An image that was asked about becomes an example of its class, by a form for keys and touch. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage, pen, spoken, teach, toOpen } from './small_document.mjs';
import { image, instead, refusal, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

let service;
const answers = () => document.getElementById('answers').children;
const use = (name) => button(texts.useAsExampleFor(name));
const select = () => document.getElementById('use-for');
const labels = () => select().children.map((one) => one.textContent);
const tiles = () => document.getElementById('classes').children.map((one) => one.querySelectorAll('img').map((each) => each.getAttribute('alt')).join(' '));
const note = (row) => row.querySelector('.used').textContent;

beforeEach(async () => {
  service = new SmallService();
  service.task('shapes', ['ring', 'cross']);
  await openPage();
  await teach();
  choose('choose-queries', [image('a.png'), image('b.png')]);
  await settled();
});

test('the image goes to the one that is picked', async () => {
  use('a.png').click();
  assert.equal(document.activeElement, select());
  assert.deepEqual(labels(), ['Class 1', 'Class 2']);
  select().value = select().children[1].getAttribute('value');
  button(texts.add).click();
  await settled();
  assert.deepEqual(tiles(), ['0.png', '1.png a.png']);
  assert.equal(note(answers()[0]), texts.usedFor('Class 2'));
  assert.equal(spoken(), texts.spokenUsed('a.png', 'Class 2'));
  assert.equal(document.activeElement, use('a.png'));
  assert.equal(select(), null);
});

test('an image that the browser cannot open becomes none, and no answer says that it did', async () => {
  choose('choose-queries', [image('torn.png', 'torn')]);
  await settled();
  use('torn.png').click();
  button(texts.add).click();
  await settled();
  assert.deepEqual(tiles(), ['0.png', '1.png']);
  assert.equal(note(answers()[0]), '');
  assert.equal(document.getElementById('classes').querySelector('.note').textContent, texts.damaged(['torn.png']));
});

test('the likeliest class is the one to begin with', async () => {
  const answer = { label: 'Class 2', probability: 0.9, probabilities: { 'Class 1': 0.1, 'Class 2': 0.9 }, unknown: false };
  instead((request) => request.endsWith('/classify'), () => new Response(JSON.stringify({ predictions: [answer] })));
  choose('choose-queries', [image('c.png')]);
  await settled();
  use('c.png').click();
  button(texts.add).click();
  await settled();
  assert.deepEqual(tiles(), ['0.png', '1.png c.png']);
});

test('what came of it is told until the answer is a new one, and can be taken back', async () => {
  use('a.png').click();
  button(texts.add).click();
  await settled();
  assert.notEqual(note(answers()[0]), '');
  await until(() => note(answers()[0]) === '');
  button(texts.undo).click();
  assert.deepEqual(tiles(), ['0.png', '1.png']);
});

test('Escape, and the button itself, leave things as they are', async () => {
  use('a.png').click();
  select().parent.dispatchEvent(Object.assign(new Event('keydown'), { key: 'Escape' }));
  assert.equal(select(), null);
  assert.equal(document.activeElement, use('a.png'));
  use('b.png').click();
  use('b.png').click();
  assert.equal(select(), null);
  assert.deepEqual(tiles(), ['0.png', '1.png']);
});

test('the form follows the classes, and goes with its image', () => {
  use('a.png').click();
  button(texts.addClass).click();
  assert.deepEqual(labels(), ['Class 1', 'Class 2', 'Class 3']);
  button(texts.removeQuery('a.png')).click();
  assert.equal(select(), null);
});

test('an image without an answer is offered to no class', async () => {
  choose('choose-queries', [image('c.png', 'damaged')]);
  await settled();
  assert.equal(use('c.png'), undefined);
});

test('a drawing, too, becomes an example', async () => {
  const [canvas] = document.getElementById('query-pad').querySelectorAll('canvas');
  pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  await until(() => use(texts.drawingName));
  use(texts.drawingName).click();
  button(texts.add).click();
  await settled();
  assert.deepEqual(tiles(), [`0.png ${texts.drawingName}`, '1.png']);
  assert.equal(note(document.getElementById('drawing-answer')), texts.usedFor('Class 1'));
});

test('with a kept classifier opened, it is one of that classifier\'s', async () => {
  toOpen('shapes').click();
  await settled();
  use('b.png').click();
  assert.deepEqual(labels(), ['ring', 'cross']);
  select().value = 'cross';
  button(texts.add).click();
  await settled();
  const shapes = [...service.tasks.values()].find(({ name }) => name === 'shapes');
  assert.deepEqual(shapes.examples.map(({ label, filename }) => `${label} ${filename}`), ['ring 0.png', 'cross 1.png', 'cross b.png']);
  assert.deepEqual(tiles(), ['0.png', '1.png']);
});

test('where it could not be added, no answer says that it was', async () => {
  toOpen('shapes').click();
  await settled();
  instead((request) => /^POST .*examples$/.test(request), refusal(500), false);
  use('b.png').click();
  button(texts.add).click();
  await settled();
  assert.equal(note(answers()[1]), '');
  assert.ok(document.getElementById('opened-note').textContent.startsWith(texts.notAdded('')));
});
