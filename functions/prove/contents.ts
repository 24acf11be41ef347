/** Compares files with the manifest's checksums: those that the engine does not vouch for. */
import { checkContents } from '../../core/content-check.ts';
import { needsContentCheck } from '../../core/content-policy.ts';
import { unescapeForFileName } from '../../core/file-names.ts';
import type { ManifestFile } from '../../core/manifest.ts';
import type { ProofFinding, ProofItem, ProofLevel, ProvenTable } from '../../core/proof.ts';
import { sliceOf } from '../../core/proof-items.ts';
import type { ReadItem } from './item.ts';
import type { ProofSource } from './source.ts';

/** Requests under way at once: most files are a few hundred bytes, so that waiting is all there is to it. */
const AT_ONCE = 64;

export interface ContentScope {
  readonly level: ProofLevel;
  readonly tables: readonly ProvenTable[];
}

/** Reads one slice of the files that have to be compared, those that lie in the base too. */
export function compareContents(
  source: ProofSource,
  base: ProofSource | undefined,
  { level, tables }: ContentScope,
  { slice, slices }: Extract<ProofItem, { kind: 'contents' }>,
): Promise<ReadItem> {
  const checked = new Set(
    tables
      .filter(({ reading }) => reading === 'checked')
      .map(({ database, name }) => tableKey(database, name)),
  );
  const isChecked = (database: string, table: string): boolean => checked.has(tableKey(database, table));
  return compare(source, base, (file) => {
    if (slices > 1 && sliceOf(file.name, slices) !== slice) return false;
    return level === 'counts' ? isDefinition(file) : needsContentCheck(file, isChecked);
  });
}

/** Compares every file of single parts: what names the damaged file where the engine named only the part. */
export async function compareParts(
  source: ProofSource,
  base: ProofSource | undefined,
  damaged: readonly ProofFinding[],
): Promise<readonly ProofFinding[]> {
  const parts = new Set(
    damaged.flatMap(({ table, part }) => (table === null || part === null ? [] : [`${table}/${part}`])),
  );
  if (parts.size === 0) return [];
  const read = await compare(source, base, ({ name }) => {
    const { table, part } = placeOf(name);
    return table !== null && part !== null && parts.has(`${table}/${part}`);
  });
  return read.findings;
}

async function compare(
  source: ProofSource,
  base: ProofSource | undefined,
  choose: (file: ManifestFile) => boolean,
): Promise<ReadItem> {
  const check = await checkContents({ ...source, ...(base && { base }), choose, atOnce: AT_ONCE });
  const findings = [
    ...check.findings.map(({ file, sentence }) => ({ ...placeOf(file), what: sentence })),
    ...check.unchecked.named.map(({ file, sentence }) => ({ ...placeOf(file ?? ''), what: sentence })),
  ];
  const found = check.damaged + check.unchecked.count;
  return { bytes: check.bytes, parts: 0, files: check.files, findings, found };
}

const tableKey = (database: string, table: string): string => JSON.stringify([database, table]);

const isDefinition = ({ name }: ManifestFile): boolean => name.startsWith('metadata/');

/** Table, part and file of a name in the manifest, as far as it has them. */
function placeOf(name: string): Pick<ProofFinding, 'table' | 'part' | 'file'> {
  const [, kind, database = '', table = '', rest = ''] =
    /^(?:shards\/[^/]+\/replicas\/[^/]+\/)?(data|metadata)\/([^/]+)\/([^/]+?)(?:\.sql|\/(.+))?$/.exec(name) ??
    [];
  if (kind === undefined) return { table: null, part: null, file: name };
  const slash = rest.indexOf('/');
  return {
    table: `${unescapeForFileName(database)}.${unescapeForFileName(table)}`,
    part: slash === -1 ? null : rest.slice(0, slash),
    file: rest === '' ? name : rest.slice(slash + 1),
  };
}
