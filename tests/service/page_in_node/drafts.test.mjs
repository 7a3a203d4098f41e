/** No draft stays behind, and none is on the list of kept classifiers. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { giveExamples, load, openPage, toOpen } from './small_document.mjs';
import { image, settled, SmallService, until } from './small_service.mjs';

const { Classifiers } = await load('classifiers.js');
const { SupportSet } = await load('support.js');
const { texts } = await load('texts.js');

let service;
let support;
let classifiers;

beforeEach(() => {
  service = new SmallService();
  support = new SupportSet();
  classifiers = new Classifiers(support);
  support.add(support.addGroup('ring'), [image('1.png')]);
  support.add(support.addGroup('cross'), [image('2.png')]);
});

test('a draft that arrives after the page was left is deleted', async () => {
  const release = service.hold('POST /v1/tasks');
  const made = classifiers.current();
  await settled();
  classifiers.abandon();
  release();
  await assert.rejects(made);
  await settled();
  assert.equal(service.tasks.size, 0);
  assert.equal(classifiers.ready, null);
});

test('a page that comes back while its last draft still arrives makes another one', async () => {
  const release = service.hold('POST /v1/tasks');
  const made = classifiers.current();
  await settled();
  classifiers.abandon();
  const again = classifiers.current();
  release();
  await assert.rejects(made);
  const { task } = await again;
  await settled();
  assert.deepEqual([...service.tasks.keys()], [task.id]);
  assert.equal(classifiers.ready.task.id, task.id);
});

test('a draft that arrives at an obstacle is deleted', async () => {
  const release = service.hold('POST /v1/tasks');
  const made = classifiers.current();
  await settled();
  support.removeGroup(support.groups[0]);
  release();
  await assert.rejects(made);
  await settled();
  assert.equal(service.tasks.size, 0);
});

test('a draft is known as one from the making on until it could not be deleted', async () => {
  const { task } = await classifiers.current();
  assert.ok(classifiers.isDraft(task.id));
  classifiers.open(service.task('another'));
  assert.ok(classifiers.isDraft(task.id), 'also while another is open');
  classifiers.close();
  const release = service.hold(`DELETE /v1/tasks/${task.id}`);
  const kept = classifiers.keep('mine');
  await settled();
  assert.ok(classifiers.isDraft(task.id), 'also while it is being deleted');
  release();
  await kept;
  assert.ok(!classifiers.isDraft(classifiers.ready.task.id), 'what was kept is none');
});

test('a draft whose page was gone when it arrived is deleted by the next page', async () => {
  service.task('kept');
  await openPage();
  service.hold('POST /v1/tasks');
  giveExamples();
  await until(() => service.tasks.size === 2);
  window.dispatchEvent(new Event('pagehide'));
  await openPage();
  await settled();
  assert.deepEqual([...service.tasks.values()].map((task) => task.name), ['kept']);
  assert.ok(toOpen('kept'));
  assert.equal(document.getElementById('kept-list').children.length, 1);
  assert.equal(localStorage.getItem('metashot.leftovers'), '[]');
});

test('a draft that cannot be deleted is on the list', async () => {
  const { task } = await classifiers.current();
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => { if (init?.method === 'DELETE') throw new TypeError('offline'); return fetch(path, init); };
  classifiers.abandon();
  await settled();
  assert.ok(!classifiers.isDraft(task.id));
});

test('a request that stalls is given up once the classes have changed, and its draft is a leftover', async (context) => {
  const limits = [];
  context.mock.method(AbortSignal, 'timeout', () => { limits.push(new AbortController()); return limits.at(-1).signal; });
  const { fetch } = globalThis;
  let names = [];
  globalThis.fetch = (path, init) => {
    if (init?.method !== 'POST' || names.length) return fetch(path, init);
    names = [init.body.get('name')];
    return new Promise((_done, failed) => { init.signal.addEventListener('abort', () => failed(init.signal.reason)); });
  };
  const made = classifiers.current();
  await settled();
  support.rename(support.groups[0], 'circle');
  await settled();
  assert.equal(service.tasks.size, 0, 'it has a little time left');
  limits.at(-1).abort();
  const { task } = await made;
  assert.deepEqual(task.classes.map((one) => one.label), ['circle', 'cross']);
  assert.ok(JSON.parse(localStorage.getItem('metashot.leftovers')).includes(names[0]));
});
