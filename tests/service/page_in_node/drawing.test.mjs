/** Strokes on the sheet. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load, openDocument, pen } from './small_document.mjs';

const { DrawingPad } = await load('drawing.js');

function sheet() {
  openDocument();
  let changes = 0;
  const pad = new DrawingPad('sheet', { onChange: () => { changes += 1; } });
  return { pad, changes: () => changes };
}

const undo = () => Object.assign(new Event('keydown'), { ctrlKey: true, key: 'z' });

test('undo in the middle of a stroke takes that stroke, and its rest joins no other', () => {
  const { pad, changes } = sheet();
  pen(pad.canvas, ['down', 10, 10], ['move', 20, 20], ['up', 20, 20]);
  const drawn = JSON.stringify(pad.canvas.painted);
  pen(pad.canvas, ['down', 100, 100], ['move', 120, 120]);
  pad.canvas.dispatchEvent(undo());
  pen(pad.canvas, ['move', 300, 300], ['up', 300, 300]);
  assert.equal(JSON.stringify(pad.canvas.painted), drawn);
  assert.equal(changes(), 2);
  pen(pad.canvas, ['down', 30, 30], ['up', 30, 30]);
  assert.equal(pad.canvas.painted.filter(([name]) => name === 'stroke').length, 2);
});

test('clear in the middle of a stroke leaves a blank sheet', () => {
  const { pad } = sheet();
  pen(pad.canvas, ['down', 10, 10], ['move', 20, 20]);
  pad.clear();
  pen(pad.canvas, ['move', 300, 300], ['up', 300, 300]);
  assert.ok(pad.isBlank);
});

test('a sheet that moves under the pen breaks no stroke', () => {
  const strokes = [0, 45].map((moved) => {
    const { pad } = sheet();
    pen(pad.canvas, ['down', 10, 10], ['move', 20, 20]);
    pad.canvas.getBoundingClientRect = () => ({ left: 0, top: moved, width: 448, height: 448 });
    pen(pad.canvas, ['move', 30, 30], ['up', 30, 30]);
    return pad.strokes;
  });
  assert.deepEqual(strokes[0], strokes[1]);
});
