/** Shows an execution while it runs, and lets the person at the keyboard go. */
import type { Execution, ExecutionView } from '../core/installation.ts';
import { bytesText, clockText, countOf } from './amounts.ts';
import { type Followed, follow } from './follow.ts';
import { faint, type Line, line } from './screen.ts';
import { stepText } from './step-text.ts';
import type { Call } from './verb.ts';

/** The counters move every two seconds at most. */
const EVERY = 2000;
const REDRAW_EVERY = 1000;

export interface WatchedDetail {
  look(view: ExecutionView): Promise<void>;
  /** Empty as long as there is nothing to tell. */
  readonly text: string;
}

export interface Watching {
  readonly execution: Execution;
  /** `full backup of shop` */
  readonly title: string;
  /** The words of the command that shows what becomes of it. */
  readonly look: (view: ExecutionView | null) => string;
  /** How far it is, where the execution itself does not say it; looked at each time that the execution is. */
  readonly detail?: WatchedDetail;
  /** What a state is doing, where the words for a backup's states do not fit. */
  readonly step?: (state: string | null) => string;
}

/** @throws {SafehouseError} when it cannot be looked at any more; it goes on, and that is said */
export async function watch(
  call: Call,
  { execution, title, look, detail, step = stepText }: Watching,
): Promise<Followed> {
  const { progress, now, interruptible, where, command } = call;
  const began = now();
  let seen: ExecutionView | null = null;
  const redraw = (): void =>
    progress.show(progressLine(step(seen?.state ?? null), seen, title, detail?.text, now() - began));
  redraw();
  const timer = setInterval(redraw, REDRAW_EVERY);
  const goesOn = (): Line => line(`The ${title} goes on without you. `, faint(command(look(seen))));
  try {
    const followed = await follow({
      execution: detail === undefined ? execution : lookedAtWith(execution, detail),
      interrupted: interruptible(),
      everyMilliseconds: EVERY,
      onView: (view) => {
        seen = view;
        redraw();
      },
    });
    if (followed.interrupted)
      progress.note(
        // Without `local up` the state machines run in this very process.
        where.local
          ? line(`This command ends when the ${title} has ended. Ctrl-C again stops both.`)
          : goesOn(),
      );
    return followed;
  } catch (error) {
    progress.note(goesOn());
    throw error;
  } finally {
    clearInterval(timer);
    progress.clear();
  }
}

const lookedAtWith = ({ id, view }: Execution, detail: WatchedDetail): Execution => ({
  id,
  view: async () => {
    const seen = await view();
    await detail.look(seen);
    return seen;
  },
});

function progressLine(
  doing: string,
  view: ExecutionView | null,
  title: string,
  detail: string | undefined,
  elapsed: number,
): Line {
  const done = detail || writtenText(view);
  return [doing, `  ${title}${done === '' ? '' : `  ${done}`}  ${clockText(elapsed)}`];
}

function writtenText(view: ExecutionView | null): string {
  const { files = 0, bytes = 0 } = view?.poll?.progress ?? {};
  return files === 0 && bytes === 0 ? '' : `${bytesText(bytes)}  ${countOf(files, 'file')}`;
}
