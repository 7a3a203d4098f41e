/** The user's classes and their images. Knows no element of the page; tells changes by a `change` event. */

import { namedApart } from './files.js';
import { texts } from './texts.js';

/** @typedef {{ id: number, file: File, url: string, problem: string | null }} Example */
/** @typedef {{ id: number, label: string, examples: Example[] }} Group one class */
/** @typedef {{ sentence: string, misnamed: number | null }} Obstacle why the set makes no classifier yet; id of a group to rename */

export class SupportSet extends EventTarget {
  #ids = 0;

  /** Counts every change that makes another classifier. */
  revision = 0;

  /** @type {Group[]} */
  groups = [];

  get imageCount() {
    return this.groups.reduce((sum, group) => sum + group.examples.length, 0);
  }

  /** @param {string} [label] @returns {Group} */
  addGroup(label) {
    const taken = new Set(this.groups.map((group) => group.label));
    let number = this.groups.length + 1;
    while (taken.has(texts.defaultLabel(number))) number += 1;
    const group = { id: this.#nextId(), label: label ?? texts.defaultLabel(number), examples: [] };
    this.groups = [...this.groups, group];
    this.#changed();
    return group;
  }

  /** @param {Group} group @param {string} label */
  rename(group, label) {
    group.label = label.trim();
    this.#changed();
  }

  /** @param {Group} group @param {File[]} files @returns {Example[]} */
  add(group, files) {
    const made = namedApart(files, this.labelled().map((one) => one.file.name)).map((file) => ({
      id: this.#nextId(), file, url: URL.createObjectURL(file), problem: null,
    }));
    group.examples = [...group.examples, ...made];
    this.#changed();
    return made;
  }

  /** @param {Group} group @param {Example} example */
  remove(group, example) {
    group.examples = group.examples.filter((one) => one !== example);
    this.#changed();
  }

  /** @param {Group} group */
  removeGroup(group) {
    this.groups = this.groups.filter((one) => one !== group);
    this.#changed();
  }

  /**
   * Sort whole folders into classes: into those of the same name, else into unused ones, else into new ones.
   * @param {Map<string, File[]>} filesByLabel
   */
  fill(filesByLabel) {
    this.groups = this.groups.filter((group) => group.examples.length || filesByLabel.has(group.label));
    for (const [label, files] of filesByLabel) {
      const group = this.groups.find((one) => one.label === label) ?? this.addGroup(label);
      this.add(group, files);
    }
  }

  /** @returns {() => void} puts the set back as it is now */
  remember() {
    const groups = this.groups.map((group) => ({ group, label: group.label, examples: group.examples }));
    return () => {
      this.groups = groups.map(({ group, label, examples }) => Object.assign(group, { label, examples }));
      this.#changed();
    };
  }

  /**
   * Mark the image that the service could not take.
   * @param {string} fileName
   * @param {string} sentence
   * @returns {boolean} whether the set holds that image
   */
  mark(fileName, sentence) {
    const example = this.groups.flatMap((group) => group.examples).find((one) => one.file.name === fileName);
    if (!example) return false;
    example.problem = sentence;
    this.dispatchEvent(new Event('mark'));
    return true;
  }

  /** @param {string} fileName @returns {Example | undefined} */
  example(fileName) {
    return this.groups.flatMap((group) => group.examples).find((one) => one.file.name === fileName);
  }

  /** @returns {import('./api.js').Labelled[]} what a classifier is made from */
  labelled() {
    return this.groups.flatMap((group) => group.examples.map(({ file }) => ({ file, label: group.label })));
  }

  /** @returns {Obstacle | null} null when a classifier can be made */
  obstacle() {
    const seen = new Set();
    for (const group of this.groups) {
      if (!group.label) return { sentence: texts.needName, misnamed: group.id };
      if (seen.has(group.label)) return { sentence: texts.needOther(group.label), misnamed: group.id };
      seen.add(group.label);
    }
    if (this.groups.length < 2) return { sentence: texts.needClass, misnamed: null };
    const empty = this.groups.filter((group) => !group.examples.length);
    if (empty.length) return { sentence: texts.needImages(empty.map((group) => group.label)), misnamed: null };
    const refused = this.groups.find((group) => group.examples.some((example) => example.problem));
    if (refused) return { sentence: texts.needSound(refused.label), misnamed: null };
    return null;
  }

  #nextId() {
    this.#ids += 1;
    return this.#ids;
  }

  #changed() {
    this.revision += 1;
    this.dispatchEvent(new Event('change'));
  }
}
