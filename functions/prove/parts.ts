/** Lets the engine read the parts of one item. */
import type { Prover } from '../../clients/prover.ts';
import { quoteString } from '../../core/identifiers.ts';
import type { Check, ProofFinding } from '../../core/proof.ts';
import { runChecks } from './checks.ts';
import { compareParts, type NamedPart, partKey } from './contents.ts';
import { canBeExcerpted, Excerpt } from './excerpt.ts';
import type { ReadItem } from './findings.ts';
import { mountDatabases } from './mount.ts';
import type { ProofSource } from './source.ts';
import { readTrusted } from './trusted-manifest.ts';
import { explainUnloaded, readErrors } from './unloaded-parts.ts';

export interface PartsRequest {
  readonly source: ProofSource;
  readonly base: ProofSource | undefined;
  readonly checks: readonly Check[];
  /** Of the manifest that the plan was made from. */
  readonly manifestSha256: string;
  /** Damage is known already: errors that the engine does not name come from it, and no second reading is asked for. */
  readonly isDamaged?: boolean;
}

/** @throws {SafehouseError} TemporarilyUnavailable, when the engine could not read */
export async function readParts(engine: Prover, request: PartsRequest): Promise<ReadItem> {
  const { source, base, checks, manifestSha256 } = request;
  const excerpt = new Excerpt(checks);
  const manifest = await readTrusted(source, manifestSha256, base, (file) => excerpt.add(file));
  const nothing = { bytes: 0, parts: 0, files: 0 };
  if (manifest.header === null) return { ...nothing, ...manifest, found: manifest.findings.length };
  const { header } = manifest;
  const isExcerpt = canBeExcerpted(header);
  const mounted = isExcerpt ? excerpt.write(engine, source, header) : source;
  const databases = [...new Set(checks.map(({ database }) => database))];
  const before = await readErrors(engine);
  const refused = await mountDatabases(engine, { source: mounted, header, databases });
  if (refused.size > 0) return { ...nothing, findings: [], found: 0, unjudged: [...refused.values()] };
  const unloaded = await findUnloaded(engine, databases, excerpt.parts);
  const after = await readErrors(engine);
  const missing = await explainUnloaded({ source, base, unloaded, before, after });
  const checked = await runChecks(engine, {
    checks,
    isExcerpt,
    isRemote: source.bucketUrl !== null,
    isDamaged: request.isDamaged === true || missing.length > 0,
  });
  const damaged = checked.findings.map((finding) => place(finding, excerpt));
  const findings = [...missing, ...(await nameFiles(request, damaged, excerpt))];
  return { ...checked, files: 0, findings, found: findings.length };
}

/** The engine does not say where it has read a file, and the manifest does. */
function place(finding: ProofFinding, excerpt: Excerpt): ProofFinding {
  const { table, part, file } = finding;
  if (table === null || part === null || !excerpt.isInBase(table, part, file)) return finding;
  return { ...finding, inBase: true, what: `In the base backup: ${finding.what}` };
}

/** Where the engine names only the part, comparing its files may name the file, and says the same more exactly. */
async function nameFiles(
  { source, base }: PartsRequest,
  findings: readonly ProofFinding[],
  { parts }: Excerpt,
): Promise<ProofFinding[]> {
  const nameless = findings.filter(({ file }) => file === null);
  const named = await compareParts(
    source,
    base,
    parts.filter((part) => nameless.some((finding) => isAbout(finding, part))),
    'all files',
  );
  const isNamed = ({ file, table, part }: ProofFinding): boolean =>
    file === null && named.some((each) => each.table === table && each.part === part);
  return [...findings.filter((finding) => !isNamed(finding)), ...named];
}

const isAbout = (finding: ProofFinding, { database, table, part }: NamedPart): boolean =>
  finding.table === `${database}.${table}` && finding.part === part;

async function findUnloaded(
  engine: Prover,
  databases: readonly string[],
  parts: readonly NamedPart[],
): Promise<NamedPart[]> {
  const rows = await engine.ask<NamedPart>(
    `SELECT database, table, name AS part FROM system.parts
     WHERE database IN (${databases.map((name) => quoteString(name)).join(', ')}) AND active`,
  );
  const loaded = new Set(rows.map(partKey));
  return parts.filter((part) => !loaded.has(partKey(part)));
}
