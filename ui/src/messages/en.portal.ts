/** What Jira's portal shows of ours. */
export const portal = {
  'portal.missing.label': 'Details that are missing',
  'portal.missing': 'The support team still needs some details from you: {names}.',
  'portal.missing.more': 'The support team still needs some details from you: {names} and {count} more.',
  'portal.missing.fill': 'Fill in',
  'portal.missing.later': 'Not now',
  'portal.close': 'Close',
} as const;
