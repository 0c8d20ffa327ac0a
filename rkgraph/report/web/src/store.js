// What the views of one story share: the selected node, the way of colouring, the search. Whoever draws, listens.

export function store(initial) {
  const listeners = [];
  let state = Object.freeze({ ...initial });
  return {
    get: () => state,
    set(change) {
      const before = state;
      state = Object.freeze({ ...state, ...change });
      for (const listener of listeners) listener(state, before);
    },
    listen: (listener) => listeners.push(listener),
  };
}
