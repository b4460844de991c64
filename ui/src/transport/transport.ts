/**
 * The one seam between this UI and the server. Everything above it speaks of requests to `/api/v1`; only the
 * implementations know whether these go through Jira's Forge bridge, with a token of Connect's, or straight to our own origin.
 */

export interface TransportRequest {
  method: string;
  /** Path with query, beginning with `/api/v1/`. */
  path: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** JSON text. */
  body?: string | undefined;
}

export interface TransportResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Text as it came, empty when there was none. */
  body: string;
}

/** A file, or the document of a refusal. */
export interface Downloaded {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  file: Blob;
}

/** What the page around us says: which of our pages it wants, for whom, and how it should look. */
export interface HostContext {
  /** The Forge module's key, or null on our own origin, where the address picks the page. */
  moduleKey: string | null;
  issueKey: string | null;
  /** The project that the page stands in. */
  projectKey: string | null;
  locale: string | null;
  timeZone: string | null;
  colorMode: 'light' | 'dark' | null;
}

export interface Transport {
  /** Rejects with `Unreachable` when no answer came; an answer of any status resolves. */
  request(request: TransportRequest): Promise<TransportResponse>;
  context(): Promise<HostContext>;
  /** Posts and receives a file. Absent where the way to the server carries none. */
  download?(path: string, body: string): Promise<Downloaded>;
  /** Opens an address in a new tab. A frame may not do that by itself, so the host does it. */
  openTab(url: string): void;
  /** Goes to another page of Jira's, by its path. Absent where there is no Jira around us. */
  navigate?(path: string): void;
  /** Closes the dialog that the page stands in. Absent where it stands in none. */
  close?(): void;
  /** Where Jira sends our calls, if that is for this site's administrators to say. Absent where nobody can ask or say it. */
  readonly server?: ServerAddress;
  readonly kind: 'forge' | 'connect' | 'session';
  /** Whether this is the customers' portal, whose session is a customer's and nobody else's. */
  readonly portal?: boolean;
}

export interface ServerAddress {
  /** `null`: nobody has said it yet; `undefined`: it is fixed. */
  get(): Promise<string | null | undefined>;
  /** The host asks the administrator once more; rejects with its reason when they decline or it does not take the address. */
  set(address: string): Promise<void>;
}

/** No answer came: no network, the host refused to pass the call on, or it took too long. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The caller is not signed in here (any more), and this page cannot sign them in by itself. */
export class SignedOut extends Error {
  override readonly name = 'SignedOut';
}
