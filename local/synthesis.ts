/** Synthesises the stack without the CDK's command line, once for each state of the sources. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../core/config.ts';

export const STACK_NAME = 'Safehouse';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What a template is made of. */
const SOURCES = ['core', 'clients', 'functions', 'infra', 'package-lock.json', 'cdk.json'];
const KEPT = join(ROOT, 'dist', 'synthesised');
const WEEK = 7 * 86_400_000;

export interface Synthesised {
  /** The cloud assembly: template, functions' bundles, manifests. */
  readonly directory: string;
  /** False when it was there from before. */
  readonly fresh: boolean;
}

/**
 * The stack of a configuration, as `cdk deploy` would upload it. It is kept under a name made from everything that it
 * depends on: bundling and synthesising take seconds, reading takes none.
 *
 * @throws {SafehouseError} InvalidConfiguration
 */
export async function synthesise(config: Config): Promise<Synthesised> {
  const directory = join(KEPT, fingerprint(config));
  if (existsSync(directory)) {
    utimesSync(directory, new Date(), new Date());
    return { directory, fresh: false };
  }
  mkdirSync(KEPT, { recursive: true });
  removeOld();
  const part = `${directory}.${randomBytes(4).toString('hex')}.part`;
  await synthesiseInto(part, config);
  try {
    renameSync(part, directory);
  } catch (error) {
    // Another process was faster, with the same result.
    if (!existsSync(directory)) throw error;
    rmSync(part, { recursive: true });
  }
  return { directory, fresh: true };
}

async function synthesiseInto(outdir: string, config: Config): Promise<void> {
  // Loaded when needed: the CDK is the largest thing here, and most commands find a template made before.
  const { App } = await import('aws-cdk-lib/core');
  const { featureFlags } = await import('../infra/application.ts');
  const { SafehouseStack } = await import('../infra/safehouse-stack.ts');
  // Not `makeApplication`: its checks of the template take most of the time, and no deployment goes by this one.
  const app = new App({
    outdir,
    context: { ...featureFlags(), '@aws-cdk/core:annotationsInValidationReport': false },
    builtinCloudFormationValidation: false,
    analyticsReporting: false,
    treeMetadata: false,
  });
  new SafehouseStack(app, STACK_NAME, { config });
  app.synth();
}

function fingerprint(config: Config): string {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const source of SOURCES)
    for (const file of filesUnder(join(ROOT, source))) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`\n${file} ${size} ${mtimeMs}`);
    }
  return hash.digest('hex').slice(0, 20);
}

function filesUnder(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function removeOld(): void {
  for (const name of readdirSync(KEPT)) {
    const path = join(KEPT, name);
    if (Date.now() - statSync(path).mtimeMs > WEEK) rmSync(path, { recursive: true, force: true });
  }
}
