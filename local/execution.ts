/** One execution of a state machine: what it has gone through, what it carries, how it ended. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { EXECUTION_STATUSES, type ExecutionStatus, type ExecutionView } from '../core/installation.ts';
import { type Poll, pollSchema } from '../core/workflow.ts';
import { isAlive, processSchema, thisProcess } from './process-identity.ts';

export const TRANSITIONS = ['entered', 'exited', 'failed', 'retried', 'caught'] as const;

const transitionSchema = z.object({
  /** Milliseconds since 1970. */
  at: z.number(),
  what: z.enum(TRANSITIONS),
  state: z.string(),
  /** The error's name, when a state failed. */
  error: z.string().optional(),
});
export type Transition = z.infer<typeof transitionSchema>;

const historySchema = z.object({
  id: z.string(),
  stateMachine: z.string(),
  input: z.unknown(),
  startedAt: z.iso.datetime(),
  /** The process that runs it. */
  process: processSchema.nullable().default(null),
  status: z.enum(EXECUTION_STATUSES),
  /** The state that was entered last, and what it was given: where a redrive goes on. */
  state: z.string().nullable(),
  stateInput: z.unknown(),
  /** What the execution carried when it was seen last. */
  carried: z.unknown(),
  output: z.unknown(),
  error: z.string().nullable(),
  cause: z.string().nullable(),
  transitions: z.array(transitionSchema),
});
export type History = z.infer<typeof historySchema>;

/** As many as fit on a few screens; a long backup polls a thousand times. */
const KEPT_TRANSITIONS = 500;

/** What an execution begins with. */
export type Begun = Pick<History, 'id' | 'stateMachine' | 'input' | 'startedAt'>;

/** Keeps an execution's history in memory and in a file, which is replaced whole at each change. */
export class ExecutionRecord {
  #history: History;
  readonly #file: string;

  constructor(directory: string, begun: Begun) {
    mkdirSync(directory, { recursive: true });
    this.#file = join(directory, `${begun.id}.json`);
    this.#history = {
      ...begun,
      process: thisProcess(),
      status: 'running',
      state: null,
      stateInput: begun.input,
      carried: begun.input,
      output: null,
      error: null,
      cause: null,
      transitions: [],
    };
    this.#save();
  }

  get history(): History {
    return this.#history;
  }

  /** @param carried what the state was given, or what it passes on */
  add(transition: Transition, carried: unknown): void {
    this.#history = {
      ...this.#history,
      ...(transition.what === 'entered' && { state: transition.state, stateInput: carried }),
      carried,
      transitions: [...this.#history.transitions, transition].slice(-KEPT_TRANSITIONS),
    };
    this.#save();
  }

  end(
    status: Exclude<ExecutionStatus, 'running'>,
    end: Partial<Pick<History, 'output' | 'error' | 'cause'>>,
  ): void {
    this.#history = { ...this.#history, status, ...end };
    this.#save();
  }

  #save(): void {
    const written = `${this.#file}.part`;
    writeFileSync(written, `${JSON.stringify(this.#history, null, 2)}\n`);
    renameSync(written, this.#file);
  }
}

export const hasHistory = (directory: string, id: string): boolean =>
  existsSync(join(directory, `${id}.json`));

/**
 * One whose process is gone is aborted, though nobody was left to write that down.
 *
 * @throws Error when there is no such execution
 */
export function readHistory(directory: string, id: string): History {
  const history = historySchema.parse(JSON.parse(readFileSync(join(directory, `${id}.json`), 'utf8')));
  const isDead = history.status === 'running' && (history.process === null || !isAlive(history.process));
  return isDead ? { ...history, status: 'aborted' } : history;
}

export function viewOf({ status, state, carried, output, error, cause }: History): ExecutionView {
  const { backupId, poll } = readCarried(carried);
  return { status, state, backupId, poll, output, error, cause };
}

const carriedSchema = z.looseObject({
  prepared: z
    .looseObject({ backup: z.looseObject({ id: z.string() }).nullable() })
    .optional()
    .catch(undefined),
  /** A proof by itself carries no `prepared`. */
  proof: z.looseObject({ backup: z.string() }).optional().catch(undefined),
  /** Of a restore, once it is planned: what starts one may have `latest` for a backup. */
  restore: z.string().optional().catch(undefined),
  backup: z.string().optional().catch(undefined),
  poll: pollSchema.optional().catch(undefined),
});

function readCarried(carried: unknown): { backupId: string | null; poll: Poll | null } {
  const parsed = carriedSchema.safeParse(carried);
  if (!parsed.success) return { backupId: null, poll: null };
  const { prepared, proof, restore, backup, poll = null } = parsed.data;
  const restored = restore === undefined ? undefined : backup;
  return { backupId: prepared?.backup?.id ?? proof?.backup ?? restored ?? null, poll };
}
