/** Folders dropped on a kept classifier: each image goes to the class that its folder names. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { button, openKept } from './small_document.mjs';
import { drop, fileEntry, folderEntry } from './small_drop.mjs';
import { image, settled } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');
const text = (id) => document.getElementById(id).textContent;
const classes = () => Object.fromEntries(service.tasks.get(task.id).classes.map(({ label, examples }) => [label, examples]));
const before = { ring: 1, cross: 1 };
const letters = () => folderEntry(
  'letters', folderEntry('ring', fileEntry(image('1.png'))), folderEntry('star', fileEntry(image('1.png')), fileEntry(image('2.png'))),
);

let service;
let task;

beforeEach(async () => {
  ({ service, task } = await openKept('shapes'));
});

for (const [place, zone] of Object.entries({
  'on a class': () => document.getElementById('opened-classes').children[1],
  'on another class': () => document.getElementById('opened-new'),
  'beside every class': () => document.getElementById('opened'),
})) {
  test(`a folder of folders, dropped ${place}, is sorted into its classes, and taken back as one`, async () => {
    drop(zone(), letters());
    await settled();
    assert.deepEqual(classes(), { ring: 2, cross: 1, star: 2 });
    assert.equal(text('opened-note'), '');
    assert.ok(text('opened-notice').startsWith(texts.addedToClasses(3, 2)));
    assert.equal(service.asked.filter((one) => one.endsWith('/examples')).length, 1, 'all in one request');
    button(texts.undo).click();
    await settled();
    assert.deepEqual(classes(), before);
  });
}

test('what lies beside the folders is left out and named', async () => {
  drop(document.getElementById('opened-classes').children[0], letters(), fileEntry(image('cover.png')));
  await settled();
  assert.deepEqual(classes(), { ring: 2, cross: 1, star: 2 });
  assert.equal(text('opened-note'), texts.stray(['cover.png']));
});

test('the images of one folder go to the class that they are dropped on, and else to that of its name', async () => {
  drop(document.getElementById('opened-classes').children[0], folderEntry('more', fileEntry(image('1.png'))));
  await settled();
  assert.deepEqual(classes(), { ring: 2, cross: 1 });
  drop('opened', folderEntry('more', fileEntry(image('1.png'))));
  await settled();
  assert.deepEqual(classes(), { ring: 2, cross: 1, more: 1 });
});

test('what is dropped beside every class is told where to drop it, or that it is no image', async () => {
  drop('opened', fileEntry(image('1.png')));
  await settled();
  assert.equal(text('opened-note'), texts.dropOnClass);
  drop('opened', fileEntry(new File(['...'], 'notes.txt', { type: 'text/plain' })));
  await settled();
  assert.equal(text('opened-note'), texts.refused(['notes.txt']));
  assert.deepEqual(classes(), before);
});
