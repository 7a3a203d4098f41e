/** What a screen reader is told. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage, pen, spoken, teach, toDelete } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const answered = (name) => texts.spokenAnswer(name, 'Class 1', 0.75);

beforeEach(async () => {
  new SmallService();
  await openPage();
  await teach();
});

async function ask(...files) {
  choose('choose-queries', files);
  await settled();
}

test('the answer of every new image, also beside one that failed', async () => {
  await ask(image('a.png'));
  assert.equal(spoken(), answered('a.png'));
  await ask(image('b.png', 'damaged'));
  assert.match(spoken(), /^b\.png: .*damaged/);
  await ask(image('c.png'));
  assert.equal(spoken(), answered('c.png'));
});

test('several answers as their number, and again for as many others', async () => {
  await ask(image('a.png'), image('b.png'), image('c.png', 'damaged'));
  assert.equal(spoken().trim(), `${texts.spokenMany(2)} ${texts.spokenFailed(1)}`);
  await ask(image('d.png'), image('e.png'));
  const first = spoken();
  assert.equal(first.trim(), texts.spokenMany(2));
  await ask(image('f.png'), image('g.png'));
  assert.equal(spoken().trim(), texts.spokenMany(2));
  assert.notEqual(spoken(), first, 'the same words are said again only if they are another text');
});

test('a new file beside a drawing', async () => {
  const [canvas] = document.getElementById('query-pad').querySelectorAll('canvas');
  pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  await until(() => spoken() === answered(texts.yourDrawing));
  await ask(image('a.png'));
  assert.equal(spoken(), answered('a.png'));
});

const rows = () => document.getElementById('classes').children;
const nameOf = (row) => row.querySelector('.class-name');

function type(row, text) {
  nameOf(row).focus();
  nameOf(row).value = text;
  nameOf(row).dispatchEvent(new Event('input'));
}

test('from the start, that both classes need an image', async () => {
  await openPage();
  assert.equal(document.getElementById('standing').textContent, texts.waiting(texts.needImages(['Class 1', 'Class 2'])));
});

test('while a name is typed, what is missing is said once, and what its field is called stays', async () => {
  document.getElementById('add-class').click();
  const standing = document.getElementById('standing');
  const row = rows()[2];
  const called = nameOf(row).getAttribute('aria-label');
  const before = standing.textContent;
  for (const text of ['o', 'oa', 'oak']) {
    type(row, text);
    assert.equal(standing.textContent, before);
    assert.equal(nameOf(row).getAttribute('aria-label'), called);
  }
  await until(() => standing.textContent === texts.waiting(texts.needImages(['oak'])));
  assert.equal(called, texts.className(3));
});

test('what is missing is said in time, whatever else goes on', async (context) => {
  await openPage();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  document.getElementById('add-class').click();
  context.mock.timers.tick(599);
  choose('choose-queries', [image('a.png')]);
  context.mock.timers.tick(1);
  const missing = texts.needImages(['Class 1', 'Class 2', 'Class 3']);
  assert.equal(document.getElementById('standing').textContent, texts.waiting(missing));
});

test('what is wrong with a name is tied to its field, and said once', async () => {
  const row = rows()[1];
  type(row, 'Class 1');
  const problem = document.getElementById(nameOf(row).getAttribute('aria-describedby'));
  assert.equal(problem.textContent, texts.needOther('Class 1'));
  assert.equal(nameOf(row).getAttribute('aria-invalid'), 'true');
  const watched = row.all.filter((one) => one.getAttribute('role') === 'status');
  assert.equal(watched.map((one) => one.textContent).join(''), '');
  type(row, '');
  assert.ok(button('Remove the unnamed class'));
  assert.equal(problem.textContent, texts.needName);
  type(row, 'oak');
  assert.equal(problem.textContent, '');
});

test('so is that a name is missing under which to keep a classifier', async () => {
  const [field, note] = ['keep-name', 'keep-note'].map((id) => document.getElementById(id));
  field.value = ' ';
  document.getElementById('keep-form').dispatchEvent(new Event('submit', { cancelable: true }));
  assert.equal(field.getAttribute('aria-describedby'), note.id);
  assert.equal(field.getAttribute('aria-invalid'), 'true');
  field.value = 'mine';
  field.dispatchEvent(new Event('input'));
  assert.equal(field.getAttribute('aria-invalid'), null);
});

test('that the first press on what deletes has asked', async () => {
  document.getElementById('keep-form').dispatchEvent(new Event('submit', { cancelable: true }));
  await until(() => toDelete('Class 1, Class 2'));
  toDelete('Class 1, Class 2').click();
  assert.equal(spoken(), texts.deleteSure);
});

test('a bar once, by its meter', async () => {
  await ask(image('a.png'));
  const row = document.getElementById('answers').querySelector('.bar-row');
  const read = row.children.filter((one) => one.getAttribute('aria-hidden') !== 'true');
  assert.deepEqual(read.map((one) => [one.getAttribute('aria-label'), one.getAttribute('aria-valuetext')]), [['Class 1', '75%']]);
});

test('a sentence of the service ends with a full stop', async () => {
  await ask(image('b.png', 'damaged'));
  assert.equal(document.getElementById('answers').querySelector('.winner').textContent, 'b.png is damaged.');
});

test('no place for messages leaves what a screen reader watches', async () => {
  const watched = document.body.all.filter((one) => one.getAttribute('role') === 'status' || one.getAttribute('aria-live'));
  assert.ok(watched.length > 5);
  for (const one of watched) assert.ok(!one.lineage.some((place) => place.hidden && place.id !== 'opened'), one.id ?? one.getAttribute('class'));
  for (const name of ['base', 'page', 'classes', 'answers', 'print']) {
    const style = readFileSync(new URL(`../../../service/page/${name}.css`, import.meta.url), 'utf8');
    assert.doesNotMatch(style, /\.(note|notice|standing|spoken):empty *\{[^}]*display: *none/);
  }
});
