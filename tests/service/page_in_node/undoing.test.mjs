/** A removal is taken back alone: what was done after it stays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, giveExamples, load, openPage, pen } from './small_document.mjs';
import { image, settled, SmallService } from './small_service.mjs';

const { SupportSet } = await load('support.js');
const { texts } = await import('../../../service/page/texts.js');

const shown = (support) => support.groups.map((group) => [group.label, ...group.examples.map((one) => one.file.name)]);

function filled() {
  const support = new SupportSet();
  const [ring, cross] = ['ring', 'cross'].map((label) => support.addGroup(label));
  support.add(ring, [image('1.png'), image('2.png'), image('3.png')]);
  support.add(cross, [image('4.png')]);
  return { support, ring, cross };
}

test('an image comes back to its place, beside those given since', () => {
  const { support, ring, cross } = filled();
  const undo = support.undoable(() => support.remove(ring, ring.examples[1]));
  support.add(ring, [image('2.png')]);
  support.add(cross, [image('5.png')]);
  support.rename(cross, 'plus');
  support.add(support.addGroup('dot'), [image('6.png')]);
  undo();
  assert.deepEqual(shown(support), [
    ['ring', '1.png', '2.png', '3.png', '2 (2).png'], ['plus', '4.png', '5.png'], ['dot', '6.png'],
  ]);
});

test('a class comes back to its place, also with what was on its way to it', () => {
  const { support, ring, cross } = filled();
  const undo = support.undoable(() => support.removeGroup(ring));
  support.add(ring, [image('5.png')]);
  support.remove(cross, cross.examples[0]);
  undo();
  assert.deepEqual(shown(support), [['ring', '1.png', '2.png', '3.png', '5.png'], ['cross']]);
});

test('what was removed since stays so', () => {
  const { support, ring, cross } = filled();
  const undo = support.undoable(() => support.remove(ring, ring.examples[0]));
  support.remove(ring, ring.examples[0]);
  support.removeGroup(cross);
  undo();
  assert.deepEqual(shown(support), [['ring', '1.png', '3.png']]);
});

test('of classes that took the place of others only those stay that were given more', () => {
  const { support } = filled();
  const undo = support.undoable(() => {
    for (const group of support.groups) support.removeGroup(group);
    support.fill(new Map([['alpha', [image('a.png')]], ['beta', [image('b.png')]]]));
  });
  support.add(support.groups[1], [image('c.png')]);
  undo();
  assert.deepEqual(shown(support), [['ring', '1.png', '2.png', '3.png'], ['cross', '4.png'], ['beta', 'c.png']]);
});

test('on the page, images given after a removal stay when it is taken back', async () => {
  new SmallService();
  await openPage();
  giveExamples();
  await settled();
  button(texts.removeClass('Class 1')).click();
  const row = document.getElementById('classes').children[0];
  choose(row.querySelectorAll('input').find((input) => input.getAttribute('type') === 'file'), [image('more.png')]);
  await settled();
  button(texts.undo).click();
  const counts = document.getElementById('classes').querySelectorAll('.class-count').map((one) => one.textContent);
  assert.deepEqual(counts, [texts.imageCount(1), texts.imageCount(2)]);
});

const count = () => document.getElementById('classes').children.length;

/** Press Ctrl+Z, or Cmd+Z, on `target`, and let the press rise to the document. */
function pressUndo(target, key = { ctrlKey: true }) {
  const event = () => Object.assign(new Event('keydown', { cancelable: true }), { key: 'z', ...key });
  const first = event();
  target.dispatchEvent(first);
  const risen = event();
  Object.defineProperty(risen, 'target', { value: target });
  if (first.defaultPrevented) risen.preventDefault();
  document.dispatchEvent(risen);
}

test('Ctrl+Z takes a removal back while that is offered, but for names and sheets', async () => {
  new SmallService();
  await openPage();
  button(texts.removeClass('Class 1')).click();
  const name = document.getElementById('classes').querySelector('.class-name');
  const [sheet] = document.getElementById('query-pad').querySelectorAll('canvas');
  pen(sheet, ['down', 10, 10], ['up', 10, 10]);
  for (const target of [name, sheet]) pressUndo(target);
  const elsewhere = document.getElementById('add-class');
  pressUndo(elsewhere, { ctrlKey: true, shiftKey: true });
  assert.equal(count(), 1);
  pressUndo(elsewhere);
  assert.equal(count(), 2);
  assert.equal(document.getElementById('notice').textContent, '');

  button(texts.removeClass('Class 1')).click();
  button(texts.removeClass('Class 2')).click();
  pressUndo(elsewhere, { metaKey: true });
  pressUndo(elsewhere, { metaKey: true });
  assert.equal(count(), 1, 'the last removal alone is offered');
});
