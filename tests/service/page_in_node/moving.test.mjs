/** An image given to the wrong class moves to another: dragged there, or by a form for keys and touch. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, choose, openPage } from './small_document.mjs';
import { drag } from './small_drag.mjs';
import { image, settled, SmallService } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

const row = (index) => document.getElementById('classes').children[index];
const picture = (name) => row(0).parent.querySelectorAll('img').find((one) => one.getAttribute('alt') === name);
const rows = () => row(0).parent.children.map((one) => one.querySelectorAll('img').map((shown) => shown.getAttribute('alt')).join(' '));
const notice = () => document.getElementById('own-notice').textContent;
const select = () => document.getElementById('move-to');

beforeEach(async () => {
  new SmallService();
  await openPage();
  document.getElementById('add-class').click();
  const fields = row(0).parent.querySelectorAll('input').filter((one) => one.getAttribute('type') === 'file');
  for (const [index, names] of [['a.png', 'b.png'], ['c.png']].entries()) choose(fields[index], names.map((name) => image(name)));
  await settled();
});

test('a tile dragged onto another class is there, and goes back to its place by undoing', () => {
  const over = drag(picture('a.png').parent);
  assert.deepEqual(over(row(1), 'dragenter', 'dragover'), [true, true]);
  assert.ok(row(1).classList.contains('is-target'));
  over(row(1), 'drop');
  assert.ok(!row(1).classList.contains('is-target'));
  assert.deepEqual(rows(), ['b.png', 'c.png a.png', '']);
  assert.ok(notice().startsWith(texts.movedImage('a.png', 'Class 2')));
  button(texts.undo).click();
  assert.deepEqual(rows(), ['a.png b.png', 'c.png', '']);
});

test('on its own class, or beside every class, a dragged tile is neither wanted nor taken', async () => {
  const before = notice();
  for (const zone of [row(0), document.getElementById('own'), document.getElementById('ask'), document]) {
    const over = drag(picture('a.png').parent);
    assert.deepEqual(over(zone, 'dragenter', 'dragover'), [false, false]);
    over(zone, 'drop');
    await settled();
    assert.ok(!zone.classList?.contains('is-target'));
  }
  assert.deepEqual([rows(), notice()], [['a.png b.png', 'c.png', ''], before]);
  assert.equal(document.getElementById('answers').children.length, 0);
  for (const note of ['folder-note', 'query-note']) assert.equal(document.getElementById(note).textContent, '');
});

test('what comes from another window is not taken for the tile that was dragged last', () => {
  drag(picture('a.png').parent);
  const dataTransfer = { types: ['application/x-metashot-other-example'], files: [], items: [] };
  row(1).dispatchEvent(Object.assign(new Event('drop', { cancelable: true }), { dataTransfer }));
  assert.deepEqual(rows(), ['a.png b.png', 'c.png', '']);
});

test('pressing a picture asks where it shall go; the focus stays with its neighbour', () => {
  picture('a.png').click();
  assert.equal(document.activeElement, select());
  assert.equal(select().parent.querySelector('label').textContent, texts.moveTo('a.png'));
  assert.deepEqual(select().children.map((one) => one.textContent), ['Class 2', 'Class 3']);
  assert.equal(picture('a.png').getAttribute('aria-expanded'), 'true');
  select().value = select().children[1].getAttribute('value');
  button(texts.move).click();
  assert.deepEqual(rows(), ['b.png', 'c.png', 'a.png']);
  assert.ok(notice().startsWith(texts.movedImage('a.png', 'Class 3')));
  assert.equal(select(), null);
  assert.equal(document.activeElement, picture('b.png'));
  button(texts.undo).click();
  assert.deepEqual(rows(), ['a.png b.png', 'c.png', '']);
});

test('Enter and the space bar open the form, Escape and a second press close it', () => {
  const press = (target, key) => target.dispatchEvent(Object.assign(new Event('keydown', { cancelable: true }), { key }));
  for (const key of ['Enter', ' ']) {
    picture('b.png').focus();
    assert.ok(!press(picture('b.png'), key), 'nor does the page scroll');
    assert.equal(document.activeElement, select());
    press(select().parent, 'Escape');
    assert.equal(select(), null);
    assert.equal(document.activeElement, picture('b.png'));
    assert.equal(picture('b.png').getAttribute('aria-expanded'), 'false');
  }
  for (const isOpen of [true, false]) {
    picture('b.png').click();
    assert.equal(select() !== null, isOpen);
  }
});

test('an open form follows the classes, and goes with its image or the last other class', () => {
  picture('a.png').click();
  select().value = select().children[1].getAttribute('value');
  const name = row(2).querySelector('.class-name');
  name.value = 'ring';
  name.dispatchEvent(new Event('input'));
  assert.deepEqual(select().children.map((one) => one.textContent), ['Class 2', 'ring']);
  button(texts.removeClass('Class 2')).click();
  assert.equal(select().value, select().children[0].getAttribute('value'));
  button(texts.removeImage('a.png', 'Class 1')).click();
  assert.equal(select(), null);
  picture('b.png').click();
  button(texts.removeClass('ring')).click();
  assert.equal(select(), null);
  assert.equal(picture('b.png').getAttribute('aria-disabled'), 'true');
  picture('b.png').click();
  assert.equal(select(), null);
});

test('an answered image dragged onto a class comes under its own name; let go beside its answer, it is not asked again', async () => {
  choose('choose-queries', [image('new.png')]);
  await settled();
  const over = drag(document.getElementById('answers').querySelector('img'));
  assert.deepEqual(over(row(2), 'dragover', 'drop'), [true, true]);
  over(document.getElementById('ask'), 'drop');
  await settled();
  assert.deepEqual(rows(), ['a.png b.png', 'c.png', 'new.png']);
  assert.equal(document.getElementById('answers').children.length, 1);
});
