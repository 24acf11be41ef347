/** Compares files with the manifest's checksums: those that the engine does not vouch for. */
import { checkContents } from '../../core/content-check.ts';
import { needsContentCheck } from '../../core/content-policy.ts';
import { unescapeForFileName } from '../../core/file-names.ts';
import { MANIFEST } from '../../core/keys.ts';
import type { ManifestFile } from '../../core/manifest.ts';
import type { ProofFinding, ProofItem, ProofLevel, ProvenTable } from '../../core/proof.ts';
import { sliceOf } from '../../core/proof-items.ts';
import type { ReadItem } from './findings.ts';
import type { ProofSource } from './source.ts';

/** Requests under way at once, as many as the client has connections: most files are a few hundred bytes. */
const AT_ONCE = 50;

export interface ContentScope {
  readonly level: ProofLevel;
  readonly tables: readonly ProvenTable[];
  /** Of the manifest that the plan was made from. */
  readonly manifestSha256: string;
}

/** Reads one slice of the files that have to be compared, those that lie in the base too. */
export async function compareContents(
  source: ProofSource,
  base: ProofSource | undefined,
  { level, tables, manifestSha256 }: ContentScope,
  { slice, slices }: Extract<ProofItem, { kind: 'contents' }>,
): Promise<ReadItem> {
  const checked = new Set(
    tables
      .filter(({ reading }) => reading === 'checked')
      .map(({ database, name }) => tableKey(database, name)),
  );
  const isChecked = (database: string, table: string): boolean => checked.has(tableKey(database, table));
  const { sha256, ...read } = await compare(source, base, (file) => {
    if (slices > 1 && sliceOf(file.name, slices) !== slice) return false;
    return level === 'counts' ? isDefinition(file) : needsContentCheck(file, isChecked);
  });
  if (sha256 === manifestSha256) return read;
  const altered = { table: null, part: null, file: MANIFEST, what: ALTERED };
  return { ...read, findings: [altered, ...read.findings], found: read.found + 1 };
}

const ALTERED = 'The manifest was altered while the backup was being proved.';

/** What is read to load a part is smaller. */
const SMALL = 16 * 1024 * 1024;
/** Half a minute's reading, to find the file where the engine named only the part. */
const MOST_BYTES = 2 * 1024 ** 3;
/** So many parts are enough to see what is wrong. */
export const MOST_PARTS = 20;

export interface NamedPart {
  readonly database: string;
  readonly table: string;
  readonly part: string;
}

/**
 * Compares the files of single parts: what names the damaged file where the engine named only the part.
 *
 * @param how `small files` are those that are read to load a part; of the large ones so many as half a minute is enough for
 */
export async function compareParts(
  source: ProofSource,
  base: ProofSource | undefined,
  parts: readonly NamedPart[],
  how: 'small files' | 'all files',
): Promise<readonly ProofFinding[]> {
  const wanted = new Set(parts.slice(0, MOST_PARTS).map(partKey));
  if (wanted.size === 0) return [];
  let left = how === 'all files' ? MOST_BYTES : 0;
  const { findings } = await compare(source, base, ({ name, size }) => {
    const path = pathOf(name);
    if (path?.part === undefined || !wanted.has(partKey({ ...path, part: path.part }))) return false;
    if (size <= SMALL) return true;
    left -= size;
    return left >= 0;
  });
  return findings;
}

export const partKey = ({ database, table, part }: NamedPart): string =>
  JSON.stringify([database, table, part]);

async function compare(
  source: ProofSource,
  base: ProofSource | undefined,
  choose: (file: ManifestFile) => boolean,
): Promise<ReadItem & { sha256: string }> {
  const check = await checkContents({ ...source, ...(base && { base }), choose, atOnce: AT_ONCE });
  return {
    bytes: check.bytes,
    parts: 0,
    files: check.files,
    findings: check.findings.map(({ file, sentence, place }) => ({
      ...placeOf(file),
      what: sentence,
      ...(place === 'base' && { inBase: true }),
    })),
    found: check.damaged,
    unjudged: check.unchecked.named.map(({ sentence }) => sentence),
    sha256: check.manifest.sha256,
  };
}

const tableKey = (database: string, table: string): string => JSON.stringify([database, table]);

const isDefinition = ({ name }: ManifestFile): boolean => DEFINITION.test(name);

const REPLICA = '(?:shards\\/[^/]+\\/replicas\\/[^/]+\\/)?';
const DEFINITION = new RegExp(`^${REPLICA}metadata\\/`);
const DEFINITION_OF = new RegExp(`^${REPLICA}metadata\\/([^/]+)\\/([^/]+)\\.sql$`);
const DATA_OF = new RegExp(`^${REPLICA}data\\/([^/]+)\\/([^/]+)\\/(?:([^/]+)\\/)?(.+)$`);

interface Path {
  readonly database: string;
  readonly table: string;
  readonly part?: string;
  readonly file: string;
}

/** Database, table, part and file of a name in the manifest; undefined where it belongs to no table. */
export function pathOf(name: string): Path | undefined {
  const [, database, table, part, file = name] = DEFINITION_OF.exec(name) ?? DATA_OF.exec(name) ?? [];
  if (database === undefined || table === undefined) return undefined;
  return {
    database: unescapeForFileName(database),
    table: unescapeForFileName(table),
    ...(part !== undefined && { part }),
    file,
  };
}

/** The same as a finding has it. */
function placeOf(name: string): Pick<ProofFinding, 'table' | 'part' | 'file'> {
  const path = pathOf(name);
  if (path === undefined) return { table: null, part: null, file: name };
  return { table: `${path.database}.${path.table}`, part: path.part ?? null, file: path.file };
}
