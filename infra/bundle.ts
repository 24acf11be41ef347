/**
 * Bundles all functions: `node bundle.ts SOURCE OUTPUT FUNCTION…`. function-code.ts runs it in a process of its own, because
 * a construct is made synchronously and esbuild has plugins only asynchronously. One call for all functions: esbuild starts
 * a process for each, and a dozen starts would take longer than the bundling, at every synth.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

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

async function bundle(source: string, output: string, functions: readonly string[]): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: besideThis('..'),
    entryPoints: functions.map((name) => ({ in: join(source, `${name}.ts`), out: join(name, 'index') })),
    outdir: output,
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    alias: { '@aws-sdk/credential-provider-node': besideThis('lambda-credentials.ts') },
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
  for (const { path, contents } of outputFiles) replaceIfDifferent(path, contents);
}

/** Another process may be reading: a file is replaced whole, and only when it differs. */
function replaceIfDifferent(path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  // Beside the directory, which becomes an asset as it is.
  const temporary = join(dirname(directory), `.${basename(directory)}-${basename(path)}-${process.pid}`);
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

const [source = '', output = '', ...functions] = process.argv.slice(2);
try {
  await bundle(source, output, functions);
} catch {
  // esbuild has said what is wrong, with file and line.
  process.exitCode = 1;
}
