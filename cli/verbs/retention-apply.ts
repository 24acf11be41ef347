import type { Installation } from '../../core/installation.ts';
import { removalSchema } from '../../core/workflow.ts';
import { bytesText, countOf, countText } from '../amounts.ts';
import { executionFailure } from '../execution-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { type Line, line } from '../screen.ts';
import { table } from '../table.ts';
import type { Answer, Call } from '../verb.ts';
import { watch } from '../watch.ts';

const resultSchema = removalSchema.pick({ marked: true, kept: true, removed: true });

/** Starts the workflow, which plans anew: between a plan on the screen and its end, a backup may have finished. */
export async function applyRetention(
  call: Call,
  installation: Installation,
  target: string,
): Promise<Answer> {
  const execution = await installation.start('retention', { target });
  const { view, interrupted } = await watch(call, {
    execution,
    title: `retention of ${target}`,
    look: () => `retention ${target}`,
  });
  if (view === null || interrupted)
    return { exitCode: EXIT.interrupted, json: { target, execution: execution.id }, screen: () => [] };
  if (view.status !== 'succeeded') {
    const { error, exitCode } = executionFailure(view, execution.id);
    return { exitCode, json: { target, execution: execution.id }, screen: () => [], error };
  }
  const result = resultSchema.parse(view.output);
  return {
    exitCode: EXIT.good,
    json: { target, ...result, execution: execution.id },
    screen: (width) => resultScreen(result, width),
  };
}

function resultScreen({ marked, kept, removed }: (typeof resultSchema)['_output'], width: number): Line[] {
  const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
  return [
    ...(removed.length === 0
      ? []
      : table(
          [
            { heading: 'REMOVED' },
            { heading: 'OBJECTS', align: 'right' },
            { heading: 'SIZE', align: 'right' },
          ],
          removed.map((one) => [one.id, countText(one.objects), bytesText(one.bytes)]),
          width,
        )),
    line(
      `${countOf(removed.length, 'backup')} removed (${bytesText(bytes)}), ${countText(marked)} marked, ${countText(kept)} kept.`,
    ),
  ];
}
