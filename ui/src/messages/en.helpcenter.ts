/** What Jira's portal shows of ours. */
export const helpcenter = {
  'help.missing.label': 'Details that are missing',
  'help.missing': 'The support team still needs some details from you: {names}.',
  'help.missing.more': 'The support team still needs some details from you: {names} and {count} more.',
  'help.missing.fill': 'Fill in',
  'help.missing.later': 'Not now',
  'help.close': 'Close',
} as const;
