// Devices: letters of the data, words, and the marks that tell them apart without colour.
export const DEVICES = {
  n: { name: "npu", words: "NPU", mark: "N" },
  c: { name: "cpu", words: "CPU", mark: "C" },
  h: { name: "host", words: "host", mark: "H" },
  f: { name: "folded", words: "folded", mark: "F" },
  x: { name: "no-kernel", words: "no kernel", mark: "✕" },
  u: { name: "unknown", words: "unknown", mark: "?" },
};
export const WORST_FIRST = "xuchnf";
export const deviceOf = (letter) => DEVICES[letter] ?? DEVICES.u;

export function worst(letters) {
  for (const letter of WORST_FIRST) if (letters[letter]) return letter;
  return "u";
}
