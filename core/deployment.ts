import * as z from 'zod';

const recordedSchema = z.object({
  version: z.literal(1),
  bucket: z.string(),
  region: z.string(),
  topicArn: z.string(),
  /**
   * What the names of the stack's alarms begin with, and how many there are: their names would fill the parameter by themselves.
   */
  alarms: z.object({ namePrefix: z.string().min(1), count: z.number().int().min(1) }),
  /** The state machines of retention and of a proof by itself, one for all targets. */
  retention: z.string(),
  prove: z.string(),
  /**
   * Those that talk to ClickHouse differ by network. Targets that are reached from the same one share them, and each ARN stands
   * here once: a parameter of SSM holds 8 KiB, which a dozen targets with four ARNs each would fill.
   */
  groups: z.array(
    z.object({
      targets: z.array(z.string()),
      backup: z.string(),
      doctor: z.string(),
      restore: z.string(),
      cancelRestore: z.string(),
    }),
  ),
});

/** What the stack writes to SSM. */
export type RecordedDeployment = z.input<typeof recordedSchema>;

/**
 * What a stack deployed, as the command line finds it in SSM under `deploymentParameter(stack)`: written by the stack, the
 * only thing that the command line has to know of it. The state machines of each target are under its name.
 */
export const deploymentSchema = recordedSchema.transform(({ groups, ...shared }) => ({
  ...shared,
  targets: Object.fromEntries(
    groups.flatMap(({ targets, ...machines }) => targets.map((target) => [target, machines] as const)),
  ),
}));
export type Deployment = z.output<typeof deploymentSchema>;
