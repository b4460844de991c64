/** Icons as inline SVG: no font, no request. Decorative; the control that holds one carries the name. */
const PATHS = {
  add: 'M12 5v14M5 12h14',
  back: 'M19 12H5m6-6-6 6 6 6',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  chevron: 'm6 9.5 6 6 6-6',
  clock: 'M12 7v5l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
  close: 'm6 6 12 12M18 6 6 18',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  down: 'M12 5v14m6-6-6 6-6-6',
  drag: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  edit: 'M5 19h3.5L19 8.5 15.5 5 5 15.5z',
  error: 'M12 8v5m0 3h.01M12 3.5 21.5 20h-19z',
  export: 'M12 4v11m-4.5-4L12 15.5 16.5 11M5 19.5h14',
  external: 'M14 5h5v5m0-5-8 8M11 6H5v13h13v-6',
  filter: 'M4 6h16M7 12h10m-7 6h4',
  globe: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM3.5 12h17M12 3.5c2.5 2.5 3.5 5.3 3.5 8.5s-1 6-3.5 8.5c-2.5-2.5-3.5-5.3-3.5-8.5s1-6 3.5-8.5z',
  history: 'M4 5v4.5h4.5M4.6 9.5A8.2 8.2 0 1 1 4 14m8-6.5V12l3.5 2',
  import: 'M12 15.5V4.5m-4.5 4L12 4l4.5 4.5M5 19.5h14',
  info: 'M12 11v5m0-8h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z',
  key: 'M8.5 15.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm4-4H21v3.5M17.5 11.5V14',
  language: 'M4 6h10M9 4v2c0 4-2 7-5 8.5M6 10c1 2.5 3 4 6 4.8M12.5 20l4-9.5 4 9.5M14 17h5',
  mail: 'M4 6h16v12H4zm0 1 8 6 8-6',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  offline: 'M4 4l16 16M8.5 8A9 9 0 0 0 4.5 10.5M15 8.3a9 9 0 0 1 4.5 2.2M7.5 13.8a5 5 0 0 1 4-1.7M12 18h.01',
  organization: 'M4 20V5h9v15M13 10h7v10M2.5 20h19M7 9h3M7 13h3M16.5 14h.01M16.5 17h.01',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7.5 8.5c.7-4 3.7-6 7.5-6s6.8 2 7.5 6',
  pin: 'M9 4h6l-.7 6 3.2 3.5H6.5L9.7 10zM12 13.5V20',
  search: 'M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5',
  section: 'M4 6h16M4 12h16M4 18h9',
  settings: 'M4 7h10m4 0h2M4 17h2m4 0h10M14 4.5v5M8 14.5v5',
  up: 'M12 19V5M6 11l6-6 6 6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  const dots = name === 'more' || name === 'drag';
  return (
    <svg className={small ? 'icon icon-small' : 'icon'} data-icon={name} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={dots ? 2.8 : 1.8} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
