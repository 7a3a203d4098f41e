/** Puts the parts of the page together: which change leads to what. */

import { AskColumn } from './ask.js';
import { ClassList } from './class-list.js';
import { Classifiers } from './classifiers.js';
import { byId, debounced, element, fillTexts } from './dom.js';
import { offerExample } from './example.js';
import { GoOn } from './go-on.js';
import { acceptPastes, guardPage } from './intake.js';
import { KeptList } from './kept.js';
import { Queries } from './queries.js';
import { showStanding } from './standing.js';
import { SupportSet } from './support.js';
import { texts } from './texts.js';

const AFTER_LAST_CHANGE = 600; // milliseconds without a change of the classes before they are learned

fillTexts();
const support = new SupportSet();
const classifiers = new Classifiers(support);
const queries = new Queries(classifiers);
const classList = new ClassList(support);
const ask = new AskColumn(queries, (fileName) => (classifiers.opened ? null : support.example(fileName)?.url ?? null));
const kept = new KeptList(
  (id) => classifiers.isDraft(id),
  (task) => { classifiers.open(task); byId('opened-heading').focus(); queries.ask(); },
  (task) => { if (classifiers.opened?.task.id === task.id) closeOpened(); },
);
const goOn = new GoOn(async (name) => { await classifiers.keep(name); await kept.refresh(); });

const learn = debounced(AFTER_LAST_CHANGE, () => {
  if (!classifiers.opened) queries.ask();
});

function show() {
  showStanding(support, classifiers, () => queries.ask());
  goOn.show(classifiers.ready);
  const { opened } = classifiers;
  byId('own').hidden = opened !== null;
  byId('opened').hidden = opened === null;
  if (!opened) return;
  byId('opened-heading').textContent = opened.task.name || texts.untitled;
  byId('opened-classes').replaceChildren(...opened.task.classes.map((one) => element('li', {}, [
    element('span', { class: 'opened-label', text: one.label }),
    element('span', { class: 'hint', text: texts.imageCount(one.examples) }),
  ])));
}

function closeOpened() {
  classifiers.close();
  queries.ask();
}

support.addEventListener('change', () => { learn.call(); show(); });
support.addEventListener('mark', show);
classifiers.addEventListener('change', show);
byId('close-opened').addEventListener('click', () => { closeOpened(); byId('own-heading').focus(); });
guardPage();
acceptPastes((target) => classList.receiverAt(target) ?? ((found) => ask.take(found)));

window.addEventListener('beforeunload', (event) => { if (support.imageCount) event.preventDefault(); });
window.addEventListener('pagehide', () => classifiers.abandon());
window.addEventListener('pageshow', (event) => { if (event.persisted) queries.ask(); }); // Back: the draft is gone

support.addGroup();
support.addGroup();
show();
kept.refresh();
offerExample(({ support: filesByLabel, queries: files }) => {
  const fill = () => {
    for (const group of support.groups) support.removeGroup(group);
    support.fill(filesByLabel);
    queries.add(files);
  };
  if (classifiers.opened) classifiers.close();
  if (support.imageCount) classList.withUndo(texts.replacedClasses, fill);
  else fill();
});
