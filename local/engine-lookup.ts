/** Lets a prover find the engine where it would on Lambda: unpacked, below NODE_PATH. */
import { realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Node looks into NODE_PATH last, and above the bundle lies this project with the engine that npm installed: what is found
 * outside of the bundle is looked for in NODE_PATH instead. Without NODE_PATH npm's engine is meant.
 */
export function findEngineInNodePath({ LAMBDA_TASK_ROOT, NODE_PATH } = process.env): void {
  if (!LAMBDA_TASK_ROOT || !NODE_PATH) return;
  const bundle = pathToFileURL(realpathSync(LAMBDA_TASK_ROOT) + sep).href;
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const found = nextResolve(specifier, context);
      return !isPackage(specifier) || found.url.startsWith(bundle) || found.url.startsWith('node:')
        ? found
        : nextResolve(join(NODE_PATH, specifier), context);
    },
  });
}

/** Not a path, and no address of a file. */
const isPackage = (specifier: string): boolean => /^[@a-z][^:]*$/i.test(specifier);
