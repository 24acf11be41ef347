/** The functions by name, and the files that they become. */
import { basename } from 'node:path';

/** Every function, by its file under `functions/`. */
export const FUNCTIONS = [
  'backup/begin',
  'backup/check-before',
  'backup/prepare',
  'backup/submit',
  'backup/poll',
  'backup/verify',
  'backup/record-failure',
  'prove/plan',
  'prove/item',
  'prove/judge',
  'prove/record-failure',
  'prove/walk',
  'retention/plan',
  'retention/remove',
  'retention/record-failure',
  'restore/plan',
  'restore/pin',
  'restore/preflight',
  'restore/make-room',
  'restore/submit',
  'restore/poll',
  'restore/compare',
  'restore/stop',
  'restore/clean-up',
  'restore/finish',
  'restore/record-failure',
  'restore/reopen',
  'restore/sweep',
  'doctor/examine',
  'doctor/conclude',
  'watch/publish-ages',
  'alert/webhook',
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

const PROVERS: readonly FunctionName[] = ['prove/plan', 'prove/item'];

/** Whether a function carries the engine. */
export const isProver = (name: FunctionName): boolean => PROVERS.includes(name);

/** The directory of those that do: they share one, so that the engine is uploaded once. */
export const PROVER_DIRECTORY = 'prover';

/** The file of a function below the directory of all bundles: `backup/begin/index.mjs`, `prover/plan.mjs`. */
export const bundleOf = (name: FunctionName): string =>
  isProver(name) ? `${PROVER_DIRECTORY}/${basename(name)}.mjs` : `${name}/index.mjs`;

/** As Lambda wants it: `index.handler`. */
export const handlerOf = (name: FunctionName): string => `${basename(bundleOf(name), '.mjs')}.handler`;
