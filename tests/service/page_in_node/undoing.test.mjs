/** A removal is taken back alone, and so are images that came at once: what was done after it stays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, choose, giveExamples, load, openKept, openPage, pen, spoken } from './small_document.mjs';
import { drop, fileEntry, folderEntry } from './small_drop.mjs';
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
  assert.equal(document.getElementById('own-notice').textContent, '');

  button(texts.removeClass('Class 1')).click();
  button(texts.removeClass('Class 2')).click();
  assert.equal(count(), 0);
  pressUndo(elsewhere, { metaKey: true });
  assert.equal(count(), 1, 'the last removal first');
  assert.ok(notice().startsWith(texts.before(texts.removedClass('Class 1', 0))), 'which is not told as if it came of undoing');
  pressUndo(elsewhere, { metaKey: true });
  assert.equal(count(), 2, 'then the one before');
  assert.equal(document.getElementById('own-notice').textContent, '');
  pressUndo(elsewhere, { metaKey: true });
  assert.equal(count(), 2);
});

const fileInput = (index) => document.getElementById('classes').children[index].querySelectorAll('input').find((one) => one.type === 'file');

const rows = () => [...document.getElementById('classes').children].map((row) => [
  row.querySelector('.class-name').value, row.querySelectorAll('img').map((one) => one.getAttribute('alt')).join(' '),
]);
const notice = () => document.getElementById('own-notice').textContent;

test('folders that were dropped by mistake go again at once, with the classes they brought', async () => {
  new SmallService();
  await openPage();
  const shapes = () => folderEntry('shapes', ...['ring', 'star'].map((label) => folderEntry(label, fileEntry(image(`${label}.png`)))));
  drop('own', shapes());
  await settled();
  assert.ok(notice().startsWith(texts.addedToClasses(2, 2)));
  drop('own', shapes());
  await settled();
  assert.deepEqual(rows(), [['ring', 'ring.png ring (2).png'], ['star', 'star.png star (2).png']]);
  pressUndo(document.body);
  assert.deepEqual(rows(), [['ring', 'ring.png'], ['star', 'star.png']]);
  pressUndo(document.body);
  assert.deepEqual(rows(), [['Class 1', ''], ['Class 2', '']]);
  assert.equal(notice(), '');
});

test('several images that were given to the wrong class go again at once; a single one goes by its cross', async () => {
  new SmallService();
  await openPage();
  button(texts.removeClass('Class 1')).click();
  choose(fileInput(0), [image('a.png')]);
  await settled();
  assert.ok(notice().startsWith(texts.removedClass('Class 1', 0)));
  choose(fileInput(0), ['b.png', 'c.png'].map((name) => image(name)));
  await settled();
  assert.ok(notice().startsWith(texts.addedImages(2, 'Class 2')));
  pressUndo(document.body);
  assert.deepEqual(rows(), [['Class 2', 'a.png']]);
  pressUndo(document.body);
  assert.deepEqual(rows(), [['Class 1', ''], ['Class 2', 'a.png']]);
});

test('a double click on an image\'s cross removes one', async () => {
  new SmallService();
  await openPage();
  choose(fileInput(0), ['a.png', 'b.png', 'c.png'].map((name) => image(name)));
  await settled();
  const clicked = (name, detail) => button(texts.removeImage(name, 'Class 1')).dispatchEvent(Object.assign(new Event('click'), { detail }));
  clicked('a.png', 1);
  clicked('b.png', 2); // has moved to where the first one was
  assert.equal(document.getElementById('classes').querySelector('.class-count').textContent, texts.imageCount(2));
});

test('pictures are held as long as they can be put back', async (context) => {
  new SmallService();
  await openPage();
  choose(fileInput(0), [image('a.png'), image('b.png')]);
  await settled();
  const revoked = context.mock.method(URL, 'revokeObjectURL');
  const urls = document.getElementById('classes').querySelectorAll('img').map((one) => one.getAttribute('src'));
  context.mock.timers.enable({ apis: ['setTimeout'] });
  button(texts.removeImage('a.png', 'Class 1')).click();
  button(texts.removeImage('b.png', 'Class 1')).click();
  button(texts.undo).click();
  context.mock.timers.tick(3_600_000);
  assert.equal(revoked.mock.callCount(), 0, 'nobody is too slow to take it back');
  button(texts.closeNotice).click();
  assert.equal(document.getElementById('own-notice').textContent, '');
  assert.deepEqual(revoked.mock.calls.map((call) => call.arguments[0]), [urls[0]]);
});

test('the example replaces other classes once, and takes its images to ask about along when it is taken back', async () => {
  new SmallService();
  const { fetch } = globalThis;
  const classes = ['alpha', 'beta'].map((label) => ({ label, support: [`${label}.png`], query: [`${label}-new.png`] }));
  globalThis.fetch = async (path, init) => {
    if (!String(path).includes('examples/')) return fetch(path, init);
    return String(path).endsWith('.json') ? new Response(JSON.stringify({ classes })) : new Response(image('x').slice());
  };
  await openPage();
  await settled();
  giveExamples();
  choose('choose-queries', [image('own.png')]);
  await settled();
  const names = () => document.getElementById('classes').querySelectorAll('.class-name').map((one) => one.value);
  for (let press = 0; press < 2; press += 1) {
    button(texts.tryExample).click();
    await settled();
  }
  assert.deepEqual(names(), ['alpha', 'beta']);
  assert.equal(document.getElementById('answers').children.length, 3);
  button(texts.undo).click();
  await settled();
  assert.deepEqual(names(), ['Class 1', 'Class 2']);
  assert.deepEqual(document.querySelectorAll('figcaption').map((one) => one.textContent), ['own.png']);
});

test('the offer tells its keys, to a screen reader, too', async () => {
  new SmallService();
  await openPage();
  button(texts.removeClass('Class 1')).click();
  assert.match(document.getElementById('own-notice').textContent, /Undo(Ctrl|Cmd)\+Z$/);
  assert.equal(button(texts.undo).getAttribute('aria-keyshortcuts'), 'Control+Z Meta+Z');
});

test('a screen reader is told what was undone, once it is', async () => {
  new SmallService();
  await openPage();
  button(texts.removeClass('Class 1')).click();
  button(texts.undo).click();
  await settled();
  assert.equal(spoken(), texts.undone);

  await openKept('shapes');
  const [files] = document.getElementById('opened-classes').querySelectorAll('input');
  choose(files, [image('1.png')]);
  await settled();
  const { fetch } = globalThis;
  globalThis.fetch = async () => { throw new TypeError('cut off'); };
  button(texts.undo).click();
  await settled();
  assert.notEqual(spoken(), texts.undone, 'not what failed');
  globalThis.fetch = fetch;
  button(texts.undo).click();
  await settled();
  assert.equal(spoken(), texts.undone);
});
