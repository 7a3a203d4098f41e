/** No draft stays behind, none is on the list of kept classifiers, and any can be kept. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { load, openPage, teach, toOpen } from './small_document.mjs';
import { image, settled, SmallService } from './small_service.mjs';

const { Classifiers } = await load('classifiers.js');
const { SupportSet } = await load('support.js');
const { Problem } = await load('requests.js');

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

test('what the service lists is kept, and none of the drafts', async () => {
  service.task('kept');
  await openPage();
  await teach();
  await openPage(); // of another visitor
  await settled();
  assert.deepEqual([...service.tasks.values()].map((task) => task.expires_in), [null, 86400]);
  assert.ok(toOpen('kept'));
  assert.equal(document.getElementById('kept-list').children.length, 1);
});

test('to keep a draft makes no other task and learns nothing anew', async () => {
  const { task } = await classifiers.current();
  await classifiers.keep('mine');
  assert.deepEqual([...service.tasks.values()].map(({ id, name, expires_in: left }) => [id, name, left]), [[task.id, 'mine', null]]);
  assert.deepEqual(service.asked, ['POST /v1/tasks', `POST /v1/tasks/${task.id}/keep`]);
  assert.ok(classifiers.ready.kept);
  support.removeGroup(support.groups[0]);
  classifiers.abandon();
  await settled();
  assert.equal(service.tasks.size, 1);
});

test('a change of the classes does not delete what is about to be kept', async () => {
  const { task } = await classifiers.current();
  const release = service.hold(`POST /v1/tasks/${task.id}/keep`);
  const kept = classifiers.keep('mine');
  support.add(support.groups[0], [image('3.png')]);
  await classifiers.current();
  release();
  await kept;
  await settled();
  assert.equal(service.tasks.size, 2);
  assert.equal(service.tasks.get(task.id).name, 'mine');
  assert.ok(!classifiers.ready.kept);
});

test('a draft that the service has deleted is made anew to be kept, once', async () => {
  const { task } = await classifiers.current();
  service.tasks.delete(task.id);
  await classifiers.keep('mine');
  assert.deepEqual([...service.tasks.values()].map(({ name, expires_in: left }) => [name, left]), [['mine', null]]);
  assert.ok(classifiers.ready.kept);

  support.add(support.groups[0], [image('3.png')]);
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => (path.endsWith('/keep') ? new Response('{}', { status: 404 }) : fetch(path, init));
  await assert.rejects(classifiers.keep('mine'), Problem);
  assert.equal(service.asked.filter((one) => one === 'POST /v1/tasks').length, 4);
});

test('a draft that could not be kept is still one', async () => {
  const { task } = await classifiers.current();
  const { fetch } = globalThis;
  globalThis.fetch = async (path, init) => { if (path.endsWith('/keep')) throw new TypeError('offline'); return fetch(path, init); };
  await assert.rejects(classifiers.keep('mine'), Problem);
  assert.equal(classifiers.ready.task.id, task.id);
  assert.ok(!classifiers.ready.kept);
  classifiers.abandon();
  await settled();
  assert.equal(service.tasks.get(task.id).expires_in, 24 * 3600, 'it may have been kept: the service alone knows');
});

test('a request that stalls is given up once the classes have changed', async (context) => {
  const limits = [];
  context.mock.method(AbortSignal, 'timeout', () => { limits.push(new AbortController()); return limits.at(-1).signal; });
  const { fetch } = globalThis;
  let stalled = false;
  globalThis.fetch = (path, init) => {
    if (init?.method !== 'POST' || stalled) return fetch(path, init);
    stalled = true;
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
});
