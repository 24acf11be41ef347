import * as z from 'zod';

/**
 * What a stack deployed, as the command line finds it in SSM under `deploymentParameter(stack)`: written by the stack, the
 * only thing that the command line has to know of it.
 */
export const deploymentSchema = z.object({
  version: z.literal(1),
  bucket: z.string(),
  region: z.string(),
  topicArn: z.string(),
  /** The state machines of retention and of a proof by itself, and for each target those that talk to it: they differ by network. */
  retention: z.string(),
  prove: z.string(),
  targets: z.record(z.string(), z.object({ backup: z.string(), doctor: z.string() })),
});
export type Deployment = z.infer<typeof deploymentSchema>;
