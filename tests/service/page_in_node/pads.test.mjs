/** "Done" on the sheet of a class gives what is drawn on it: nobody who presses it means to leave the drawing behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { button, openKept, openPage, pen } from './small_document.mjs';
import { settled, SmallService } from './small_service.mjs';

const { texts } = await import('../../../service/page/texts.js');

/** Open the sheet of that button, draw a stroke on it if wanted, and be done. */
async function draw(name, place, isDrawn = true) {
  button(name).click();
  const [canvas] = place.querySelectorAll('canvas');
  if (isDrawn) pen(canvas, ['down', 10, 10], ['move', 200, 200], ['up', 200, 200]);
  canvas.lineage.find((one) => one.classList.contains('class-pad')).querySelectorAll('button').at(-1).click();
  await settled();
}

test('a drawing is in its class, once, and the sheet is folded', async () => {
  new SmallService();
  await openPage();
  const [row] = document.getElementById('classes').children;
  for (const isDrawn of [false, true, false]) await draw(texts.drawFor('Class 1'), row, isDrawn);
  assert.equal(row.querySelector('.class-count').textContent, texts.imageCount(1));
  assert.ok(row.querySelector('.class-pad').hidden);
  assert.equal(document.activeElement, button(texts.drawFor('Class 1')));
});

test('a new class of a kept classifier gets its drawing, once it has a name', async () => {
  await openKept('letters');
  const place = document.getElementById('opened-new');
  const name = document.getElementById('new-class');
  await draw(texts.drawNew, place);
  assert.ok(!place.querySelector('.class-pad').hidden, 'the drawing is still in view');
  assert.equal(document.activeElement, name);
  name.value = 'star';
  place.querySelector('.class-pad').querySelectorAll('button').at(-1).click();
  await settled();
  const rows = document.getElementById('opened-classes');
  assert.ok(rows.textContent.includes('star'));
  assert.ok([place, rows].every((one) => one.querySelectorAll('.class-pad').every((pad) => pad.hidden)));
});
