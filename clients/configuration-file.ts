import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Config, parseConfig } from '../core/config.ts';
import { ERROR_NAMES, SafehouseError } from '../core/errors.ts';

export const CONFIGURATION_FILE = 'safehouse.config.ts';

/**
 * Reads `safehouse.config.ts`, or another file that exports a configuration as its default.
 *
 * @throws {SafehouseError} InvalidConfiguration: no such file, it does not run, or it does not pass the schema
 */
export async function loadConfig(file: string = CONFIGURATION_FILE): Promise<Config> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `There is no configuration at ${path}.`,
      remedy: `Run this where ${CONFIGURATION_FILE} lies, or name the file with --config.`,
    });
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (cause) {
    throw new SafehouseError(
      ERROR_NAMES.configuration,
      {
        what: `${path} could not be read as TypeScript: ${cause instanceof Error ? cause.message : String(cause)}.`,
        remedy: 'Correct the file; `npx tsc --noEmit` names the line.',
      },
      { cause },
    );
  }
  if (module.default === undefined)
    throw new SafehouseError(ERROR_NAMES.configuration, {
      what: `${path} has no default export.`,
      remedy: 'End it with `export default defineConfig({ targets: { … } })`.',
    });
  return parseConfig(module.default, path);
}
