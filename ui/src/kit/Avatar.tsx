/** Initials on a colour that stays the same for the same name. No picture is loaded: that would call another host. */
const COLOURS = 6;

function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letter = (word: string | undefined) => (word ? ([...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(word)][0]?.segment ?? '') : '');
  return (letter(words[0]) + (words.length > 1 ? letter(words.at(-1)) : '')).toLocaleUpperCase();
}

export function Avatar({ name, small = false, square = false }: { name: string; small?: boolean; square?: boolean }) {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 997;
  return (
    <span className={`avatar${small ? ' avatar-small' : ''}${square ? ' avatar-square' : ''}`} data-colour={hash % COLOURS} aria-hidden="true">{initials(name)}</span>
  );
}
