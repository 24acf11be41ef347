/** Opens the Safehouse that is meant: the one on AWS unless `--local` was said. */
import { loadConfig } from '../clients/configuration-file.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';
import type { Installation } from '../core/installation.ts';
import type { Where } from './verb.ts';

/** Where the Safehouse of this machine keeps its state. */
export const homeOf = (environment: NodeJS.ProcessEnv): string =>
  environment['SAFEHOUSE_HOME'] || '.safehouse';

/**
 * Each side is loaded when it is needed: the embedded engine never for AWS, the SDK's clients for SSM and Step Functions
 * never for this machine.
 */
export async function openInstallation({ local, stack, config }: Where): Promise<Installation> {
  if (local) {
    const { openLocal } = await import('../local/installation.ts');
    return openLocal({ config: config === undefined ? undefined : await loadConfig(config) });
  }
  if (config !== undefined)
    throw new SafehouseError(ERROR_NAMES.input, {
      what: `--config ${config} is for --local: on AWS the targets are as the stack ${stack} was deployed.`,
      remedy: 'Leave --config out, or add --local. To change what is deployed: `npx cdk deploy`.',
    });
  const { openAws } = await import('./aws-installation.ts');
  return openAws(stack);
}
