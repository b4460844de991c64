import { en, type MessageKey } from './en';

export type { MessageKey } from './en';

/** Keys that are looked up with `count`: `panel.open` stands for `panel.open.one`, `panel.open.other`, … */
export type CountedKey = MessageKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

type Params = Record<string, string | number>;

let texts: Record<string, string> = en;
let plural = new Intl.PluralRules('en');
let number = new Intl.NumberFormat('en');
let listed = new Intl.ListFormat('en');

/** Chooses the language of the texts. A language without a file shows English, with its own number format. */
export function setLanguage(locale: string, translated?: Record<MessageKey, string>): void {
  texts = translated ?? en;
  plural = new Intl.PluralRules(translated ? locale : 'en');
  number = new Intl.NumberFormat(locale);
  listed = new Intl.ListFormat(translated ? locale : 'en');
}

/** Names in a sentence, as the language of the texts has them. */
export function list(names: string[]): string {
  return listed.format(names);
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value;
  });
}

export function t(key: MessageKey, params: Params = {}): string {
  return fill(texts[key] ?? key, params);
}

export function tn(key: CountedKey, count: number, params: Params = {}): string {
  const text = texts[`${key}.${plural.select(count)}`] ?? texts[`${key}.other`] ?? key;
  return fill(text, { ...params, count });
}
