/** What runs a function: a thread, or, for one that carries an engine, a process. */

export interface FunctionSettings {
  readonly file: string;
  readonly handler: string;
  readonly name: string;
  readonly arn: string;
  readonly memoryMegabytes: number;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON, as it would travel. */
  readonly event: string;
  /** When Lambda ends it, in milliseconds since 1970. */
  readonly deadline: number;
}

export type InvocationResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

export interface FunctionRuntime {
  /** One invocation at a time. Never resolves when the runtime ends before it has answered. */
  run(invocation: Invocation): Promise<InvocationResult>;
  /** How it ended, once it has: `exit status 3`, `SIGKILL`. */
  readonly ended: Promise<string>;
  /** Ends it, whatever it is doing. */
  stop(): Promise<void>;
}

/** @param onLine called with each line that the function writes */
export type StartRuntime = (
  settings: FunctionSettings,
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
) => FunctionRuntime;

export function followLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
}
