/**
 * A Safehouse that is there to be used: deployed on AWS, or running on this machine. The command line speaks to either in
 * the same words.
 */
import type { Target } from './config.ts';
import type { Listener } from './listeners.ts';
import type { StackAlarms } from './stack-alarms.ts';
import type { Poll } from './workflow.ts';

export const WORKFLOWS = ['backup', 'retention', 'prove', 'doctor', 'restore', 'cancelRestore'] as const;
export type Workflow = (typeof WORKFLOWS)[number];

export const EXECUTION_STATUSES = ['running', 'succeeded', 'failed', 'timed out', 'aborted'] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** An execution of a state machine, as it stands now. */
export interface ExecutionView {
  readonly status: ExecutionStatus;
  /** The state that was entered last, by its name in the state machine. */
  readonly state: string | null;
  /** What the workflow carries, as far as it was seen: the backup it makes, and the newest poll. */
  readonly backupId: string | null;
  readonly poll: Poll | null;
  /** The execution's result, once it succeeded. */
  readonly output: unknown;
  /** The name and text of the error, once it failed. */
  readonly error: string | null;
  readonly cause: string | null;
}

export interface Execution {
  /** The ARN on AWS; a name of its own on this machine. */
  readonly id: string;
  view(): Promise<ExecutionView>;
}

/**
 * `restore` and `cancelRestore` belong to the target that is restored to, and run in its network: a restore's input may name
 * it as `to`, where the backup is another target's.
 */
export const targetOf = (
  workflow: Workflow,
  { target, to }: { readonly target: string; readonly to?: unknown },
): string => (workflow === 'restore' && typeof to === 'string' ? to : target);

export interface Installation {
  /** What to call it on the screen: `stack Safehouse`, `this machine`. */
  readonly title: string;
  readonly bucketName: string;
  readonly region: string;
  /** Another S3 than AWS's, when it is one. */
  readonly endpoint: string | undefined;
  /** The names of its targets, in the order of the configuration. */
  targets(): Promise<readonly string[]>;
  /** @throws {SafehouseError} InvalidConfiguration, naming the targets there are */
  target(name: string): Promise<Target>;
  /** Starts a workflow by hand. */
  start(
    workflow: Workflow,
    input: Readonly<Record<string, unknown>> & { readonly target: string },
  ): Promise<Execution>;
  /**
   * Stops an execution, as StopExecution does. What it had begun is ended by `cancelRestore`.
   *
   * @throws {SafehouseError} NotFound
   */
  stop(execution: string): Promise<void>;
  /** Who is subscribed to the topic of the alerts; undefined where there is none, as on one machine. */
  listeners?: () => Promise<readonly Listener[]>;
  /** The alarms of the stack; undefined where there is no CloudWatch, as on one machine. */
  alarms?: () => Promise<StackAlarms>;
  close(): Promise<void>;
}

/** One line of what `doctor` found. */
export interface Examination {
  /** `connection`, `version`, `databases`, `grants`, `bucket`, … */
  readonly check: string;
  readonly result: 'good' | 'bad' | 'not checked';
  readonly what: string;
  /** Empty when nothing is to be done. */
  readonly remedy: string;
  /** ClickHouse's, AWS's or Safehouse's name for what is bad. */
  readonly error?: string | undefined;
  /** Not checked, because this server can never be asked: that says nothing about the target. */
  readonly isBeyondReach?: boolean | undefined;
}
