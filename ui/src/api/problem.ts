/** Every failure of a call as one type, so that a page has one way to say what happened and what to do. */
import type { components } from './schema';
import type { FieldValue, Mistake } from './types';
import { SignedOut, Unreachable } from '../transport';

type Body = components['schemas']['ProblemBody'];

/** What a person can do about it; each has its texts in the messages. */
export type ProblemKind = 'notfound' | 'refused' | 'unauthenticated' | 'invalid' | 'conflict' | 'busy' | 'broken' | 'too_large' | 'unreachable' | 'unheard';

export interface ProblemPlace {
  /** Where in what was sent, for example `/name`. */
  pointer: string;
  detail: string;
}

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly kind: ProblemKind,
    readonly title: string,
    readonly detail: string | null = null,
    readonly requestId: string | null = null,
    readonly errors: ProblemPlace[] = [],
    /** Of a conflict on one value: what is there now. */
    readonly current: FieldValue | null = null,
    /** How long the server asks us to wait. */
    readonly retryAfterMs: number | null = null,
    /** Of a query: what is wrong with it, each at its place. */
    readonly mistakes: Mistake[] = [],
    /** Names what happened, for programs. */
    readonly code: string | null = null,
  ) {
    super(`${kind}: ${title}`);
  }

  /** Whether the same call may work in a moment, unchanged. */
  get passing(): boolean {
    return this.kind === 'busy' || this.kind === 'unreachable';
  }
}

const BY_STATUS: Record<number, ProblemKind> = {
  401: 'unauthenticated', 403: 'refused', 404: 'notfound', 409: 'conflict', 410: 'notfound', 412: 'conflict', 413: 'too_large', 422: 'invalid',
  428: 'conflict', 429: 'busy', 502: 'busy', 503: 'busy', 504: 'busy',
};

/** What a status alone does not say: Jira may have made it. */
const BY_CODE: Record<string, ProblemKind> = { jira_answer_lost: 'unheard' };

/** The problem of an answer that was no success. Answers of other servers on the way carry no problem document. */
export function problemOf(status: number, body: unknown, retryAfter: string | null): ApiProblem {
  const p = (body && typeof body === 'object' ? body : {}) as Partial<Body> & { current?: FieldValue | null; mistakes?: Mistake[] };
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ApiProblem(
    BY_CODE[p.code ?? ''] ?? BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'invalid' : 'broken'),
    p.title ?? `HTTP ${status}`,
    p.detail ?? null,
    p.requestId ?? null,
    (p.errors ?? []).map((e) => ({ pointer: e.pointer.replace(/^#/, ''), detail: e.detail })),
    p.current ?? null,
    Number.isFinite(seconds) ? seconds * 1000 : null,
    p.mistakes ?? [],
    p.code ?? null,
  );
}

export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof SignedOut) return new ApiProblem('unauthenticated', error.message);
  if (error instanceof Unreachable) return new ApiProblem('unreachable', error.message);
  return new ApiProblem('broken', error instanceof Error ? error.message : String(error));
}

/** The first error that points at a place in what was sent, for example `/value`. */
export function errorAt(problem: ApiProblem, pointer: string): string | null {
  return problem.errors.find((e) => e.pointer === pointer)?.detail ?? null;
}
