/** Where the images of kept classifiers stand among each other, and under which ids they came back after a removal. */

/** @typedef {import('./api.js').KeptExample} KeptExample */

export class Places {
  /** @type {Map<string, number>} id to rank */
  #ranks = new Map();
  /** @type {Map<string, string>} id to the one under which the same image came back */
  #heirs = new Map();

  /** @param {KeptExample[]} examples in the order of the service, which puts those that came last at the end */
  note(examples) {
    for (const { id } of examples) if (!this.#ranks.has(id)) this.#ranks.set(id, this.#ranks.size);
  }

  /** Let an image that came back take its former place. @param {string} former id @param {string} id */
  takeOver(former, id) {
    this.#heirs.set(former, id);
    this.#ranks.set(id, this.#ranks.get(former) ?? this.#ranks.size);
  }

  /** @param {string} id @returns {string} of the same image by now */
  now(id) {
    const heir = this.#heirs.get(id);
    return heir === undefined ? id : this.now(heir);
  }

  /** @param {KeptExample[]} examples @returns {KeptExample[]} each in its place */
  sorted(examples) {
    const rank = (/** @type {KeptExample} */ { id }) => this.#ranks.get(id) ?? Infinity;
    return [...examples].sort((one, other) => rank(one) - rank(other));
  }
}
