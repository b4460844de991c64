/**
 * Forge Custom UI: calls go through the bridge that Jira puts into the frame.
 *
 * `window.__bridge` is called directly and not through npm `@forge/bridge`: that package throws on import outside
 * Jira, allows no narrow import, and brings 116 KB with two foreign URLs. The payloads here are the ones it sends.
 */
import type { HostContext, ServerAddress, Transport, TransportRequest, TransportResponse } from './transport';
import { Unreachable } from './transport';

interface RemoteAnswer {
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: unknown;
  message?: string;
}

interface InvokeResult {
  success?: boolean;
  payload?: RemoteAnswer;
  error?: RemoteAnswer | string;
}

interface ForgeContext {
  moduleKey?: string;
  locale?: string;
  timezone?: string;
  theme?: { colorMode?: string } | null;
  extension?: { issue?: { id?: string; key?: string }; project?: { id?: string; key?: string } };
}

interface Remotes {
  results?: { key: string; configured: { endpoint: string | null } }[];
}

/** The manifest's name of our server. */
const REMOTE = 'backend';

export interface ForgeBridge {
  callBridge(command: string, data?: unknown): Promise<unknown>;
}

declare global {
  interface Window {
    __bridge?: ForgeBridge;
  }
}

/** The bridge of this frame, if Jira put one here. */
export function forgeBridge(): ForgeBridge | undefined {
  return typeof window.__bridge?.callBridge === 'function' ? window.__bridge : undefined;
}

/** Jira writes locales as `en_US` in places; Intl wants `en-US`. */
function toBcp47(locale: string | undefined): string | null {
  return locale ? locale.replaceAll('_', '-') : null;
}

function toResponse(answer: RemoteAnswer): TransportResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    headers[name.toLowerCase()] = Array.isArray(value) ? value.join(',') : String(value);
  }
  // The host parses JSON bodies; one that it did not know as JSON arrives as text.
  const body = answer.body === undefined || answer.body === null ? '' : typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  return { status: answer.status ?? 0, headers, body };
}

export class ForgeTransport implements Transport {
  readonly kind = 'forge';

  constructor(private readonly bridge: ForgeBridge) {}

  async request(request: TransportRequest): Promise<TransportResponse> {
    const { method, path, headers, body } = request;
    let result: InvokeResult | undefined;
    try {
      result = (await this.bridge.callBridge('invoke', {
        path,
        method,
        // The host passes on only answers of this type; the server then sends its problem documents under it.
        headers: { ...headers, accept: 'application/json' },
        ...(body === undefined ? {} : { body: JSON.parse(body) as unknown }),
        invokeType: 'ui-remote-fetch',
      })) as InvokeResult | undefined;
    } catch (cause) {
      throw new Unreachable('the host did not pass the call on', { cause });
    }
    const answer = result?.success ? result.payload : result?.error;
    if (answer && typeof answer === 'object' && answer.status) return toResponse(answer);
    throw new Unreachable(typeof answer === 'string' ? answer : (answer?.message ?? 'the host gave no answer'));
  }

  async context(): Promise<HostContext> {
    const context = (await this.bridge.callBridge('getContext')) as ForgeContext | undefined;
    // From here on the host keeps data-color-mode on our root element up to date; hosts that cannot are no error.
    this.bridge.callBridge('enableTheming').catch(() => undefined);
    const mode = context?.theme?.colorMode;
    return {
      moduleKey: context?.moduleKey ?? null,
      issueKey: context?.extension?.issue?.key ?? context?.extension?.issue?.id ?? null,
      projectKey: context?.extension?.project?.key ?? null,
      locale: toBcp47(context?.locale),
      timeZone: context?.timezone ?? null,
      colorMode: mode === 'light' || mode === 'dark' ? mode : null,
    };
  }

  readonly server: ServerAddress = {
    get: async () => {
      const told = (await this.bridge.callBridge('__permission__remoteGet', { keys: [REMOTE] })) as Remotes | undefined;
      return told?.results?.find((remote) => remote.key === REMOTE)?.configured.endpoint;
    },
    set: async (address) => {
      await this.bridge.callBridge('__permission__remoteSet', { remotes: [{ key: REMOTE, configured: { endpoint: address } }] });
    },
  };

  navigate(path: string): void {
    this.bridge.callBridge('navigate', { url: path, type: 'same-tab' }).catch(() => undefined);
  }

  close(): void {
    this.bridge.callBridge('close').catch(() => undefined);
  }

  openTab(url: string): void {
    this.bridge.callBridge('navigate', { url, type: 'new-tab' }).catch(() => undefined);
  }
}
