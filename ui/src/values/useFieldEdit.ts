/** One field's editing in place, as a small state machine: view, edit, and what became of the last save. */
import { useEffect, useRef, useState, type RefObject } from 'react';
import { asProblem, errorAt, type ApiProblem } from '../api/problem';
import { authorName } from '../api/types';
import type { Field, FieldValue, Subject, Value } from '../api/types';
import { announce } from '../kit/announce';
import { t } from '../messages';
import { complaint, normalized } from './check';
import { sameValue } from './format';
import { useSaveValue } from './save';

/** How long "Saved, Undo" stays; after that the history has the same. It stays longer while pointer or focus is there. */
const UNDO_SHOWN_MS = 20_000;

export interface Editing {
  draft: Value;
  /** Version of the value that was there when editing began: what is saved may only replace that one. */
  seen: number;
  error: string | null;
  problem: ApiProblem | null;
}

export interface FieldEdit {
  editing: Editing | null;
  pending: boolean;
  waiting: boolean;
  conflict: { mine: Value; theirs: FieldValue } | null;
  saved: { before: Value; now: FieldValue } | null;
  begin(): void;
  change(draft: Value): void;
  cancel(): void;
  submit(draft?: Value): void;
  keepTheirs(): void;
  writeMine(): void;
  undo(): void;
}

/** `held` is the value as the cache has it; `fallback` is what stands there while nobody has written (the default). */
export function useFieldEdit(subject: Subject, field: Field, held: FieldValue | undefined, row: RefObject<HTMLElement | null>): FieldEdit {
  const { save, take, pending, waiting } = useSaveValue(subject);
  const [editing, setEditing] = useState<Editing | null>(null);
  const [conflict, setConflict] = useState<FieldEdit['conflict']>(null);
  const [saved, setSaved] = useState<FieldEdit['saved']>(null);
  const saving = useRef(false);

  useEffect(() => {
    if (!saved) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    const later = () => {
      timer = setTimeout(() => {
        const at = row.current;
        if (at?.matches(':hover') || at?.contains(document.activeElement)) later();
        else setSaved(null);
      }, UNDO_SHOWN_MS);
    };
    later();
    return () => clearTimeout(timer);
  }, [saved, row]);

  const write = async (value: Value, seen: number, before: Value, said: 'status.saved.field' | 'status.undone.field', undoable = true) => {
    if (saving.current) return;
    saving.current = true;
    setConflict(null);
    setSaved(null);
    const outcome = await save({ fieldId: field.id, value, seen });
    saving.current = false;
    if (outcome.kind === 'saved') {
      setEditing(null);
      if (undoable) setSaved({ before, now: outcome.now });
      announce(t(said, { field: field.name }));
      return;
    }
    if (outcome.kind === 'conflict') {
      take(outcome.theirs);
      setEditing(null);
      setConflict({ mine: value, theirs: outcome.theirs });
      announce(t('status.conflict.field', { field: field.name, name: authorName(outcome.theirs.updatedBy) }), 'assertive');
      return;
    }
    const problem = asProblem(outcome.problem);
    const error = problem.kind === 'invalid' ? (errorAt(problem, '/value') ?? problem.errors[0]?.detail ?? problem.detail ?? problem.title) : null;
    // What was typed is still there, with what is wrong beside it.
    setEditing({ draft: value, seen, error, problem: error ? null : problem });
    announce(t('status.failed.field', { field: field.name, reason: error ?? t(`problem.${problem.kind === 'unreachable' ? 'unreachable' : 'broken'}.title`) }), 'assertive');
  };

  return {
    editing, pending, waiting, conflict, saved,
    begin: () => {
      setSaved(null);
      setConflict(null);
      setEditing({ draft: held?.value ?? field.default ?? null, seen: held?.version ?? 0, error: null, problem: null });
    },
    change: (draft) => setEditing((was) => was && { ...was, draft, error: null, problem: null }),
    cancel: () => setEditing(null),
    submit: (given) => {
      if (!editing) return;
      const value = normalized(given === undefined ? editing.draft : given);
      const error = complaint(field, value);
      if (error) {
        setEditing({ ...editing, draft: value, error, problem: null });
        announce(error, 'assertive');
      } else if (held && sameValue(value, held.value) && held.version === editing.seen) setEditing(null);
      else {
        if (!editing.problem) setEditing(null);
        void write(value, editing.seen, held?.value ?? null, 'status.saved.field');
      }
    },
    keepTheirs: () => setConflict(null),
    writeMine: () => {
      if (conflict) void write(conflict.mine, conflict.theirs.version, conflict.theirs.value, 'status.saved.field');
    },
    undo: () => {
      if (saved) void write(saved.before, saved.now.version, saved.now.value, 'status.undone.field', false);
    },
  };
}
