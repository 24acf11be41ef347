/** What the preflight of a restore sees of the bucket and of the server, and the judgement over all of it at once. */
import { ERROR_NAMES, SafehouseError } from './errors.ts';
import { destinationFindings } from './preflight-destination.ts';
import { serverFindings } from './preflight-server.ts';
import { ACCEPTABLE, type PreflightFinding, type RestorePlan, type StandingTable } from './restore.ts';

/** A part of a table that stands on the server already. */
export interface StandingPartition {
  readonly database: string;
  readonly table: string;
  readonly id: string;
  readonly rows: number;
}

export interface StoragePolicy {
  readonly name: string;
  readonly volumes: readonly string[];
  readonly disks: readonly string[];
}

export interface Disk {
  readonly name: string;
  /** Bytes. */
  readonly free: number;
  readonly total: number;
}

export interface Destination {
  readonly server: { readonly version: string; readonly server: string; readonly host: string };
  /** All databases of the server. */
  readonly databases: readonly string[];
  /** Tables of the databases that are restored into; the rows of the fullest replica. */
  readonly tables: readonly StandingTable[];
  /** Of tables of which single partitions are restored. */
  readonly partitions: readonly StandingPartition[];
  readonly policies: readonly StoragePolicy[];
  readonly disks: readonly Disk[];
  readonly engines: readonly string[];
  /** Null where the server has no Keeper. */
  readonly replicas: readonly { readonly table: string; readonly path: string }[] | null;
  /** What the user may not do, as it would be granted; null where the server does not say. */
  readonly missingGrants: readonly string[] | null;
  /** Ids of other restores that the server works on. */
  readonly restoring: readonly string[];
}

/** What is in the bucket now. */
export interface Source {
  /** The manifest is the one that was verified. */
  readonly manifest: 'as verified' | 'another' | 'missing';
  /** Of the base; null without one. */
  readonly baseManifest: 'there' | 'missing' | null;
  /** Why the backup or its base does not count as good. */
  readonly failures: readonly string[];
}

export interface PreflightFacts {
  readonly source: Source;
  readonly destination: Destination;
  /** Share of the disk that must be left free. */
  readonly keepFree: number;
}

/** Every finding at once, those that block first. */
export function judgePreflight(plan: RestorePlan, facts: PreflightFacts): PreflightFinding[] {
  const found = [
    ...sourceFindings(plan, facts.source),
    ...serverFindings(plan, facts.destination, facts.keepFree),
    ...destinationFindings(plan, facts.destination),
  ];
  const accepted = new Set(plan.accept);
  const weighed = found.map((finding) =>
    finding.weight === 'blocks' && accepted.has(finding.check) && ACCEPTABLE.includes(finding.check)
      ? { ...finding, weight: 'accepted' as const }
      : finding,
  );
  return weighed.sort((a, b) => WEIGHTS.indexOf(a.weight) - WEIGHTS.indexOf(b.weight));
}

const WEIGHTS: readonly PreflightFinding['weight'][] = ['blocks', 'accepted', 'notice'];

function sourceFindings(plan: RestorePlan, { manifest, baseManifest, failures }: Source): PreflightFinding[] {
  const findings: PreflightFinding[] = failures.map((failure) => ({
    check: 'backup',
    weight: 'blocks',
    what: failure,
    remedy:
      'Restore another backup. If there is none, `safehouse show` prints the plain RESTORE statement of this one: what it brings back is not known to be right.',
  }));
  if (manifest !== 'as verified')
    findings.push({
      check: 'backup',
      weight: 'blocks',
      what:
        manifest === 'missing'
          ? `The backup ${plan.backup} has no manifest any more.`
          : `The manifest of ${plan.backup} is not the one that was verified.`,
      remedy: 'Somebody changes or removes objects of backups. Restore another one.',
    });
  if (baseManifest === 'missing')
    findings.push({
      check: 'chain',
      weight: 'blocks',
      what: `${plan.base}, on which ${plan.backup} stands, has no manifest any more.`,
      remedy: 'Restore a full backup, or an incremental on another one.',
    });
  if (!plan.proven)
    findings.push({
      check: 'proof',
      weight: 'notice',
      what: `Nobody has read every byte of ${plan.backup} back.`,
      remedy: `With time to spare: safehouse prove ${plan.backup}. Otherwise read what was restored with \`check\`.`,
    });
  return findings;
}

/** @throws {SafehouseError} RefusedForSafety, with every finding that blocks */
export function requireNoBlock(findings: readonly PreflightFinding[]): void {
  const blocking = findings.filter(({ weight }) => weight === 'blocks');
  if (blocking.length === 0) return;
  throw new SafehouseError(ERROR_NAMES.unsafe, {
    what: `Nothing was begun: ${blocking.map(({ check, what }) => `[${check}] ${what}`).join(' ')}`,
    remedy: blocking
      .map(({ check, remedy }) =>
        ACCEPTABLE.includes(check)
          ? `[${check}] ${remedy} To go on all the same: \`accept\` ${check}.`
          : `[${check}] ${remedy}`,
      )
      .join(' '),
    error: 'PreflightRefused',
  });
}
