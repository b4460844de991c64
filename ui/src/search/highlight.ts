/** Where in a text the words stand that somebody looks for, whatever their case and accents. */
export interface Part {
  text: string;
  found: boolean;
}

/** One character as it is compared; one that folds to several stays as it is, so that places stay the same. */
function folded(character: string): string {
  const plain = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.length === character.length ? plain : character.toLowerCase().slice(0, character.length).padEnd(character.length);
}

const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** The text, cut where words begin that begin as one of those that are looked for. */
export function highlighted(text: string, wanted: string): Part[] {
  const characters = [...text];
  const plain = characters.map(folded);
  const words = wanted.split(/[^\p{L}\p{N}]+/u).filter(Boolean).map((word) => [...word].map(folded));
  const found = new Array<boolean>(characters.length).fill(false);
  for (let at = 0; at < characters.length; at += 1) {
    if (isWord(characters[at - 1])) continue;
    const longest = words.filter((word) => word.every((c, i) => plain[at + i] === c)).reduce((most, word) => Math.max(most, word.length), 0);
    found.fill(true, at, at + longest);
  }
  const parts: Part[] = [];
  characters.forEach((character, i) => {
    const last = parts.at(-1);
    if (last && last.found === found[i]) last.text += character;
    else parts.push({ text: character, found: found[i] ?? false });
  });
  return parts;
}
