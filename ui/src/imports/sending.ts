/** A file on its way to the server, part by part: each fits a call through Jira's frame, and one that is sent again is not added twice. */
import type { Calls } from '../api/calls';
import type { Import } from '../api/types';

/** As base64 in JSON below the 500 KB that the frame carries. */
const PART_BYTES = 300_000;
/** Imports whose files this page sent whole: of others nobody can tell. */
export const sentWhole = new Set<string>();

/** Tries of one part after the first, when no answer came. */
const RETRIES = 3;
const WAIT_MS = 1_000;

/** Bytes as base64. */
export async function base64Of(part: Blob): Promise<string> {
  const bytes = new Uint8Array(await part.arrayBuffer());
  let text = '';
  // As arguments of one call, all at once would be too many.
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(text);
}

/** Sends what the server does not have yet, and says after each part how much it has. */
export async function sendFile(calls: Pick<Calls, 'sendImportPart'>, begun: Import, file: Blob, onSent: (bytes: number) => void, isStopped: () => boolean): Promise<Import> {
  let standing = begun;
  while (standing.bytes < file.size && !isStopped()) {
    const part = await base64Of(file.slice(standing.bytes, standing.bytes + PART_BYTES));
    standing = await send(calls, standing, part);
    onSent(standing.bytes);
  }
  if (standing.bytes >= file.size) sentWhole.add(standing.id);
  return standing;
}

async function send(calls: Pick<Calls, 'sendImportPart'>, { id, parts }: Import, part: string): Promise<Import> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await calls.sendImportPart(id, parts, part);
    } catch (error) {
      if (tries === RETRIES || !(error instanceof Error && 'passing' in error && error.passing)) throw error;
      await new Promise((done) => setTimeout(done, WAIT_MS * 2 ** tries));
    }
  }
}
