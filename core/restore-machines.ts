/** Which state machine restores to a target and which one cancels that: how the stack tells the sweep. */
import * as z from 'zod';

/**
 * Targets that are reached from the same network share their state machines, and the ARNs stand here once for all of them:
 * Lambda gives a function 4 KiB of environment, which a dozen targets would fill.
 */
const restoreMachinesSchema = z.array(
  z.object({ targets: z.array(z.string()), restore: z.string(), cancelRestore: z.string() }),
);
export type RestoreMachines = z.infer<typeof restoreMachinesSchema>[number];

/**
 * The ARNs by the name of the target that is restored to.
 *
 * @param text `[{ "targets": ["events"], "restore": "arn:…", "cancelRestore": "arn:…" }]`
 * @throws Error when it is anything else
 */
export function parseRestoreMachines(
  text: string,
): Readonly<Record<string, Pick<RestoreMachines, 'restore' | 'cancelRestore'>>> {
  const groups = restoreMachinesSchema.parse(JSON.parse(text));
  return Object.fromEntries(
    groups.flatMap(({ targets, restore, cancelRestore }) =>
      targets.map((target) => [target, { restore, cancelRestore }] as const),
    ),
  );
}
