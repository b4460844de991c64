/**
 * Writing one value: shown at once, taken back when the server refuses, and never over what somebody else wrote
 * meanwhile. The rules are here as plain functions; `useSaveValue` joins them to the cache.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServices } from '../app/services';
import { ApiProblem, asProblem } from '../api/problem';
import { keys } from '../api/queries';
import type { FieldValue, Subject, Value, ValueSet } from '../api/types';
import { putRowValue } from './rowValues';
import { sameValue } from './format';

export function valueOf(set: ValueSet | undefined, fieldId: string): FieldValue | undefined {
  return set?.values.find((v) => v.fieldId === fieldId);
}

/** The set with this value in the place of the one for the same field. */
export function withValue(set: ValueSet, value: FieldValue): ValueSet {
  const others = set.values.filter((v) => v.fieldId !== value.fieldId);
  return { ...set, values: [...others, value] };
}

/** What was read, unless something is held that was written after it: a reading may have begun before a write and ended behind it. */
export function laterOf(held: ValueSet | undefined, read: ValueSet): ValueSet {
  return held?.values.some((v) => v.version > read.version) ? held : read;
}

export interface Write {
  fieldId: string;
  value: Value;
  /** Version of the value that the writer saw; 0 when there was none. */
  seen: number;
}

export type WriteOutcome =
  | { kind: 'saved'; now: FieldValue }
  | { kind: 'conflict'; theirs: FieldValue }
  | { kind: 'failed'; problem: ApiProblem };

/**
 * What a failed write means. A conflict whose current value is the one we sent, written by us, is our own write whose
 * answer was lost on the way: it counts as saved.
 */
export function outcomeOf(error: unknown, write: Write, me: string): WriteOutcome {
  const problem = asProblem(error);
  if (problem.kind !== 'conflict' || !problem.current) return { kind: 'failed', problem };
  const theirs = problem.current;
  if (theirs.updatedBy.accountId === me && sameValue(theirs.value, write.value)) return { kind: 'saved', now: theirs };
  return { kind: 'conflict', theirs };
}

/** Resolves with what became of the write; it never rejects. */
export function useSaveValue(subject: Subject) {
  const client = useQueryClient();
  const { calls, me } = useServices();
  const key = keys.values(subject);

  const put = (now: FieldValue) => {
    putRowValue(client, subject.entity, subject.id, now);
    return client.setQueryData<ValueSet>(key, (set) => set && withValue(set, now));
  };

  const mutation = useMutation({
    // One write after the other for the same person or organization: the second then carries the version of the first.
    scope: { id: key.join(':') },
    mutationFn: (write: Write) => calls.setValue(subject, write.fieldId, write.value, write.seen),
    onMutate: async (write) => {
      await client.cancelQueries({ queryKey: key });
      const before = valueOf(client.getQueryData<ValueSet>(key), write.fieldId);
      put({
        fieldId: write.fieldId, value: write.value, version: write.seen,
        updatedAt: new Date().toISOString(), updatedBy: { accountId: me.accountId, tokenId: null, importId: null, bulkActionId: null, displayName: me.displayName },
      });
      return { before };
    },
    onError: (_error, write, context) => {
      client.setQueryData<ValueSet>(key, (set) => {
        if (!set) return set;
        return context?.before ? withValue(set, context.before) : { ...set, values: set.values.filter((v) => v.fieldId !== write.fieldId) };
      });
    },
    onSuccess: async (now) => {
      // A reading that began while this was written may not know of it yet: it must not have the last word.
      const reading = client.isFetching({ queryKey: key }) > 0;
      await client.cancelQueries({ queryKey: key });
      put(now);
      if (reading) void client.invalidateQueries({ queryKey: key });
    },
    onSettled: (_now, error) => {
      // Tables showed what was refused.
      if (error) void client.invalidateQueries({ queryKey: ['rows', subject.entity] });
      return client.invalidateQueries({ queryKey: ['history', subject.entity, subject.id] });
    },
  });

  const save = async (write: Write): Promise<WriteOutcome> => {
    try {
      return { kind: 'saved', now: await mutation.mutateAsync(write) };
    } catch (error) {
      const outcome = outcomeOf(error, write, me.accountId);
      if (outcome.kind === 'saved') put(outcome.now);
      return outcome;
    }
  };

  return { save, take: put, pending: mutation.isPending, waiting: mutation.isPaused };
}
