/** A drag of `source`: its events, as the browser would give them to what it comes over. */
export function drag(source) {
  const types = [];
  const dataTransfer = { types, files: [], items: [], setData: (type) => types.push(type) };
  const event = (kind) => Object.assign(new Event(kind, { cancelable: true }), { dataTransfer });
  source.dispatchEvent(event('dragstart'));
  return (target, ...kinds) => kinds.map((kind) => {
    const sent = event(kind);
    target.dispatchEvent(sent);
    return sent.defaultPrevented;
  });
}
