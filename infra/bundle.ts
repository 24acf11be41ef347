/**
 * Bundles all functions: `node bundle.ts SOURCE OUTPUT`. function-code.ts runs it in a process of its own, because
 * a construct is made synchronously and esbuild has plugins only asynchronously. One call for all functions: esbuild starts
 * a process for each, and a dozen starts would take longer than the bundling, at every synth.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { engineBinding } from './engine.ts';
import { bundleOf, FUNCTIONS, PROVER_DIRECTORY } from './function-names.ts';

const besideThis = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Writes the constants of the AWS SDK's schemas where they are used as computed keys, `{ [_hE]: 404 }`. A computed key could
 * have a side effect, so for their sake esbuild keeps the schemas of every operation of S3, of which a function uses
 * five: 70 kB of each bundle.
 */
const constantKeys: Plugin = {
  name: 'constant-keys',
  setup: ({ onLoad }) => {
    onLoad({ filter: /dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const constants = new Map(
        [...text.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      const contents = text.replace(/\[(_\w+)\]:/g, (key, name: string) => {
        const value = constants.get(name);
        return value === undefined ? key : `${value}:`;
      });
      return { contents, loader: 'js' };
    });
  },
};

async function bundle(source: string, output: string): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: besideThis('..'),
    entryPoints: FUNCTIONS.map((name) => ({
      in: join(source, `${name}.ts`),
      out: bundleOf(name).replace(/\.mjs$/, ''),
    })),
    outdir: output,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    alias: { '@aws-sdk/credential-provider-node': besideThis('lambda-credentials.ts') },
    // It looks for its library by the rules of Node's `require`, from where its own files lie.
    external: ['chdb'],
    // Without it the AWS SDK resolves to its CommonJS build, which cannot be part of an ES module (aws-cdk#29310).
    mainFields: ['module', 'main'],
    plugins: [constantKeys],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    // @clickhouse/client is CommonJS and requires Node's own modules, which an ES module has no `require` for.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  for (const { path, contents } of outputFiles) replaceIfDifferent(output, path, contents);
}

/** npm's JavaScript of the engine, as far as it is loaded: a seventh of the package, which has builders and adapters too. */
async function copyBinding(output: string): Promise<void> {
  const { directory } = engineBinding();
  const { metafile } = await build({
    absWorkingDir: directory,
    entryPoints: ['index.js'],
    write: false,
    bundle: true,
    platform: 'node',
    packages: 'external',
    metafile: true,
    logLevel: 'error',
  });
  // index.mjs is what `import` finds, and requires index.js.
  for (const file of new Set(['package.json', 'index.mjs', ...Object.keys(metafile.inputs)])) {
    const copy = join(output, PROVER_DIRECTORY, 'node_modules/chdb', file);
    replaceIfDifferent(output, copy, readFileSync(join(directory, file)));
  }
}

/** Another process may be reading: a file is replaced whole, and only when it differs. */
function replaceIfDifferent(output: string, path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  // Outside of every directory that becomes an asset as it is.
  const temporary = join(output, `.${basename(path)}-${process.pid}`);
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

const [source = '', output = ''] = process.argv.slice(2);
try {
  await bundle(source, output);
  await copyBinding(output);
} catch (error) {
  // esbuild has said what is wrong, with file and line.
  if (!(error instanceof Error && 'errors' in error)) console.error(error);
  process.exitCode = 1;
}
