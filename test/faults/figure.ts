/** Figures that tests measure on their way: they travel with the test's result to the page. */
import type { RunnerTask } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    figures?: Record<string, number>;
  }
}

export function record(task: Readonly<RunnerTask>, name: string, value: number): void {
  task.meta.figures = { ...task.meta.figures, [name]: value };
}
