/** The key of a request in Jira, if that is what somebody types; Jira writes them in capitals. */
export function issueKeyOf(text: string): string | null {
  const key = text.trim().toUpperCase();
  return /^[A-Z][A-Z0-9_]+-[1-9]\d*$/.test(key) ? key : null;
}
