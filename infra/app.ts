/**
 * What `npx cdk` runs. `-c config=FILE` names another configuration, `-c stack=NAME` another stack, `-c runbook=URL` the
 * address of a runbook of one's own. Exit code 2: the configuration has problems, and they were printed.
 */
import { CONFIGURATION_FILE, loadConfig } from '../clients/configuration-file.ts';
import { SafehouseError } from '../core/errors.ts';
import { makeApplication } from './application.ts';
import { SafehouseStack } from './safehouse-stack.ts';

const DEFAULT_STACK = 'Safehouse';
const WRONG_CONFIGURATION = 2;

const app = makeApplication();

function context(name: string): string | undefined {
  const value: unknown = app.node.tryGetContext(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

try {
  const runbook = context('runbook');
  new SafehouseStack(app, context('stack') ?? DEFAULT_STACK, {
    config: await loadConfig(context('config') ?? CONFIGURATION_FILE),
    ...(runbook !== undefined && { runbook }),
  });
  app.synth();
} catch (error) {
  if (!(error instanceof SafehouseError)) throw error;
  const { what, remedy } = error.failure;
  console.error(`${what}\n${remedy}`);
  process.exit(WRONG_CONFIGURATION);
}
