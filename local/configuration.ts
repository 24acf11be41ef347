/** Which configuration applies on this machine, and which of its targets the embedded engine serves. */
import { existsSync } from 'node:fs';
import { loadConfig } from '../clients/configuration-file.ts';
import { type Config, type ConfigInput, parseConfig } from '../core/config.ts';

/** Read from the working directory. `safehouse.config.ts` is not: it names servers in use, and this is for trying. */
export const LOCAL_CONFIGURATION_FILE = 'safehouse.local.config.ts';

/**
 * A target with this url is the embedded engine, wherever it happens to listen; any other url is the server that it names.
 * Names under `localhost` never leave the machine (RFC 6761), so a deployed stack cannot reach anything by it.
 */
export const EMBEDDED_URL = 'http://embedded.localhost';

/** A user of the embedded engine besides `default`, with a password that each home makes for itself. */
export const EMBEDDED_USER = 'safehouse';
export const EMBEDDED_PASSWORD = '/safehouse/embedded-engine/password';

/** One target, `demo`: all databases of the embedded engine. */
const BUILT_IN: ConfigInput = {
  targets: {
    demo: {
      url: EMBEDDED_URL,
      user: EMBEDDED_USER,
      password: { ssm: EMBEDDED_PASSWORD },
      databases: 'all',
      schedule: { full: 'cron(0 2 ? * SUN *)', incremental: 'cron(0 2 ? * MON-SAT *)' },
      retention: { daily: 7, weekly: 4, monthly: 12 },
      maxHours: 1,
    },
  },
};

export const builtInConfig = (): Config => parseConfig(BUILT_IN, 'The built-in configuration');

/**
 * The configuration for this machine where none is named: `safehouse.local.config.ts` where the command runs, else the
 * built-in one.
 *
 * @throws {SafehouseError} InvalidConfiguration
 */
export const localConfig = async (): Promise<Config> =>
  existsSync(LOCAL_CONFIGURATION_FILE) ? loadConfig(LOCAL_CONFIGURATION_FILE) : builtInConfig();

export const isEmbedded = ({ url }: { readonly url: string }): boolean =>
  new URL(url).host === new URL(EMBEDDED_URL).host;
