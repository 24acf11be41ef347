/** The names of the environment variables that the stack sets and the functions read. */
export const ENVIRONMENT = {
  bucket: 'SAFEHOUSE_BUCKET',
  /** Where the settings lie in SSM: `<prefix><target>`. */
  settings: 'SAFEHOUSE_SETTINGS',
  topic: 'SAFEHOUSE_TOPIC',
  /** The ARN of the key that encrypts the bucket; not set where it is S3's own. */
  bucketKey: 'SAFEHOUSE_BUCKET_KEY',
  /** The stack's name, a dimension of every metric. */
  stack: 'SAFEHOUSE_STACK',
  /** The workflow's name, a dimension of AlertsSent; set where a failure is recorded. */
  workflow: 'SAFEHOUSE_WORKFLOW',
  /** `target,target`: what the watch function looks at. */
  targets: 'SAFEHOUSE_TARGETS',
  /** SSM parameter or Secrets Manager secret that holds the webhook's address. */
  webhook: 'SAFEHOUSE_WEBHOOK',
  /** The state machine that proves one backup. */
  proveMachine: 'SAFEHOUSE_PROVE_MACHINE',
  /** Bytes that one item of a proof reads. */
  bytesAnItem: 'SAFEHOUSE_BYTES_AN_ITEM',
  /** The state machines that restore, as `parseRestoreMachines` reads them: what the sweep looks after. */
  restoreMachines: 'SAFEHOUSE_RESTORE_MACHINES',
} as const;

/** `/safehouse/<stack>/targets/`: one parameter a target, written by the stack, read by the functions. */
export const settingsPrefix = (stack: string): string => `/safehouse/${stack}/targets/`;

/** Where the command line finds what a stack deployed: bucket, state machines, topic. */
export const deploymentParameter = (stack: string): string => `/safehouse/${stack}/deployment`;
