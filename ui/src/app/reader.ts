/** How the person who reads wants dates and numbers: their locale and their time zone. */
import { createContext, useContext } from 'react';

export interface Reader {
  locale: string;
  timeZone: string;
}

/** A locale that Intl knows, or undefined. */
function known(locale: string | null | undefined): string | undefined {
  if (!locale) return undefined;
  try {
    return Intl.getCanonicalLocales(locale.replaceAll('_', '-'))[0];
  } catch {
    return undefined;
  }
}

function knownZone(zone: string | null | undefined): string | undefined {
  if (!zone) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    return undefined;
  }
}

/** The first of each that is usable; the browser's own comes last. */
export function readerFrom(...sources: { locale: string | null; timeZone: string | null }[]): Reader {
  const browser = new Intl.DateTimeFormat().resolvedOptions();
  return {
    locale: sources.map((s) => known(s.locale)).find(Boolean) ?? known(navigator.language) ?? browser.locale,
    timeZone: sources.map((s) => knownZone(s.timeZone)).find(Boolean) ?? browser.timeZone,
  };
}

export const ReaderContext = createContext<Reader>({ locale: 'en', timeZone: 'UTC' });

export function useReader(): Reader {
  return useContext(ReaderContext);
}
