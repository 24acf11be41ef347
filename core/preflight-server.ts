/** Whether the server can take what is restored: version, engines, storage, space, rights, Keeper. */
import { isAtLeast } from './clickhouse-version.ts';
import { quoteString } from './identifiers.ts';
import type { Destination, Disk, StoragePolicy } from './preflight.ts';
import type { PlannedTable, PreflightFinding, RestorePlan } from './restore.ts';

export const serverFindings = (
  plan: RestorePlan,
  destination: Destination,
  keepFree: number,
): PreflightFinding[] => [
  ...versionFindings(plan, destination),
  ...engineFindings(plan, destination),
  ...policyFindings(plan, destination),
  ...diskFindings(plan, destination, keepFree),
  ...grantFindings(destination),
  ...replicaFindings(plan, destination),
  ...consumerFindings(plan, destination),
  ...otherRestores(destination),
];

const MOST_NAMED = 10;

const listed = (names: readonly string[]): string =>
  `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}`;

/** By release: a patch never changes what a backup is. */
const releaseOf = (version: string): string => version.split('.').slice(0, 2).join('.');

function versionFindings({ writtenBy }: RestorePlan, { server }: Destination): PreflightFinding[] {
  if (!/^\d/.test(writtenBy))
    return [
      {
        check: 'version',
        weight: 'notice',
        what: 'It is not known which release of ClickHouse wrote the backup: it was adopted.',
        remedy: 'Restore to the release that wrote it, or a newer one.',
      },
    ];
  if (isAtLeast(server.version, releaseOf(writtenBy))) return [];
  return [
    {
      check: 'version',
      weight: 'blocks',
      what: `The server is ClickHouse ${server.version}, and ${writtenBy} wrote the backup.`,
      remedy:
        'Restore to the same release or a newer one: an older one may not know what the newer wrote, and may find that out halfway.',
    },
  ];
}

function engineFindings({ tables }: RestorePlan, { engines }: Destination): PreflightFinding[] {
  const missing = [...new Set(tables.map(({ engine }) => engine))].filter((name) => !engines.includes(name));
  if (missing.length === 0) return [];
  return [
    {
      check: 'engines',
      weight: 'blocks',
      what: `The server has no table engine ${listed(missing)}.`,
      remedy: 'Restore to a server that has it, or leave those tables out by naming the others in `tables`.',
    },
  ];
}

/** Tables that keep the definition of the backup: with `intoExisting` and `append` the one on the server counts. */
const created = ({ mode, tables }: RestorePlan): readonly PlannedTable[] =>
  mode === 'intoExisting' || mode === 'append' ? [] : tables;

function policyFindings(plan: RestorePlan, { policies, disks }: Destination): PreflightFinding[] {
  const names = policies.map(({ name }) => name);
  if (plan.storagePolicy !== null)
    return names.includes(plan.storagePolicy)
      ? []
      : [
          {
            check: 'storage-policy',
            weight: 'blocks',
            what: `The server has no storage policy ${JSON.stringify(plan.storagePolicy)}.`,
            remedy: `It has ${listed(names)}.`,
          },
        ];
  const findings: PreflightFinding[] = [];
  const wanted = Map.groupBy(
    created(plan).filter(({ definition }) => definition?.storagePolicy),
    ({ definition }) => definition?.storagePolicy ?? '',
  );
  for (const [policy, tables] of wanted)
    if (!names.includes(policy))
      findings.push({
        check: 'storage-policy',
        weight: 'blocks',
        what: `${namesOf(tables)} ${tables.length === 1 ? 'wants' : 'want'} the storage policy ${JSON.stringify(policy)}, which the server does not have.`,
        remedy: `Give the server one of that name, with the same volumes, or choose one that it has with \`storagePolicy\`: ${listed(names)}.`,
      });
  return [...findings, ...lackingDisks(created(plan), disks), ...placeFindings(created(plan), policies)];
}

function lackingDisks(tables: readonly PlannedTable[], disks: readonly Disk[]): PreflightFinding[] {
  const names = disks.map(({ name }) => name);
  const wanted = Map.groupBy(tables, ({ definition }) => definition?.disk ?? '');
  return [...wanted]
    .filter(([disk]) => disk !== '' && !names.includes(disk))
    .map(([disk, those]) => ({
      check: 'storage-policy',
      weight: 'blocks',
      what: `${namesOf(those)} ${those.length === 1 ? 'keeps' : 'keep'} the parts on the disk ${JSON.stringify(disk)}, which the server does not have.`,
      remedy: `Give the server a disk of that name; it has ${listed(names)}.`,
    }));
}

/** A TTL that moves parts to a volume or disk that the policy does not have stops the restore of the table. */
function placeFindings(
  tables: readonly PlannedTable[],
  policies: readonly StoragePolicy[],
): PreflightFinding[] {
  const lacking = Map.groupBy(tables, (table) => lackingPlaces(table, policies));
  lacking.delete('');
  return [...lacking].map(([what, those]) => ({
    check: 'storage-policy',
    weight: 'blocks',
    what: `The TTL of ${namesOf(those)} moves parts to ${what}.`,
    remedy: 'Give the policy volumes and disks of the same names, as the server had that was backed up.',
  }));
}

/** Empty when nothing is. */
function lackingPlaces({ definition }: PlannedTable, policies: readonly StoragePolicy[]): string {
  const policy = policies.find(({ name }) => name === (definition?.storagePolicy ?? 'default'));
  if (definition === null || policy === undefined) return '';
  const missing = [
    ...definition.volumes
      .filter((volume) => !policy.volumes.includes(volume))
      .map((name) => `volume ${name}`),
    ...definition.disks.filter((disk) => !policy.disks.includes(disk)).map((name) => `disk ${name}`),
  ];
  if (missing.length === 0) return '';
  return `${listed(missing)}, and the storage policy ${JSON.stringify(policy.name)} of the server has the volumes ${listed(policy.volumes)} on the disks ${listed(policy.disks)}`;
}

const namesOf = (tables: readonly PlannedTable[]): string =>
  listed(tables.map(({ database, name }) => `${database}.${name}`));

function diskFindings(plan: RestorePlan, destination: Destination, keepFree: number): PreflightFinding[] {
  if (plan.structureOnly) return [];
  const { policies, disks } = destination;
  // Policies that lie on the same disks share their space.
  const needs = new Map<string, { disks: readonly Disk[]; bytes: number }>();
  for (const { definition, bytes } of plan.tables) {
    const policy = plan.storagePolicy ?? definition?.storagePolicy ?? 'default';
    const own = plan.storagePolicy === null ? definition?.disk : null;
    const names = own ? [own] : (policies.find(({ name }) => name === policy)?.disks ?? ['default']);
    const on = disks.filter(({ name }) => names.includes(name));
    const key = JSON.stringify(names);
    needs.set(key, { disks: on, bytes: (needs.get(key)?.bytes ?? 0) + bytes });
  }
  return [...needs.values()].flatMap((need): PreflightFinding[] => {
    if (need.disks.length === 0) return [];
    const free = need.disks.reduce((sum, disk) => sum + disk.free, 0);
    const kept = need.disks.reduce((sum, disk) => sum + disk.total, 0) * keepFree;
    if (need.bytes <= free - kept) return [];
    return [
      {
        check: 'disk',
        weight: 'blocks',
        what: `${gigabytes(need.bytes)} are to be restored to the disk ${need.disks.map(({ name }) => name).join(', ')}, where ${gigabytes(free)} are free and ${gigabytes(kept)} are to stay so.`,
        remedy: 'Make room, restore less, or lower `restore.keepFree` of the target.',
      },
    ];
  });
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;

function grantFindings({ missingGrants }: Destination): PreflightFinding[] {
  if (missingGrants === null)
    return [
      {
        check: 'grants',
        weight: 'notice',
        what: 'The server does not say what is granted.',
        remedy: '`safehouse grants` prints what a restore needs.',
      },
    ];
  if (missingGrants.length === 0) return [];
  return [
    {
      check: 'grants',
      weight: 'blocks',
      what: `The user may not ${listed(missingGrants)}.`,
      remedy: `Grant it: ${missingGrants
        .map((grant) => `GRANT ${grant} TO …`)
        .slice(0, MOST_NAMED)
        .join('; ')}.`,
    },
  ];
}

function replicaFindings(plan: RestorePlan, { replicas: known, tables }: Destination): PreflightFinding[] {
  const replicated = created(plan).filter(({ engine }) => engine.startsWith('Replicated'));
  if (replicated.length === 0) return [];
  if (known === null)
    return [
      {
        check: 'replicas',
        weight: 'blocks',
        what: `${namesOf(replicated)} ${replicated.length === 1 ? 'is' : 'are'} replicated, and the server has no Keeper.`,
        remedy:
          'Restore to a server with a Keeper; or create the tables there with the engine they shall have, and restore with mode "intoExisting".',
      },
    ];
  // A table that stands in the place is either kept, and the replica is its own, or dropped first, and its replica with it.
  const standing = new Set(tables.map(({ database, table }) => `${database}.${table}`));
  const replicas = known.filter(({ table }) => !standing.has(table));
  if (replicas.length === 0) return [];
  return [
    {
      check: 'replicas',
      weight: 'blocks',
      what: `Keeper knows this replica already of ${listed(replicas.map(({ table, path }) => `${table} (${path})`))}: REPLICA_ALREADY_EXISTS.`,
      remedy: `If it is what a dropped table left behind: ${replicas
        .slice(0, MOST_NAMED)
        .map(({ path }) => `SYSTEM DROP REPLICA '…' FROM ZKPATH ${quoteString(path)}`)
        .join('; ')}. If the live table uses it: restore to another server, or use mode "replace".`,
    },
  ];
}

const CONSUMING = /^(?:Kafka|RabbitMQ|NATS|S3Queue|AzureQueue|FileLog)$/;

function consumerFindings(plan: RestorePlan, { server }: Destination): PreflightFinding[] {
  const consumers = created(plan).filter(
    ({ engine, definition }) => CONSUMING.test(engine) || definition?.refreshable === true,
  );
  if (consumers.length === 0) return [];
  if (!plan.quiet)
    return [
      {
        check: 'consumers',
        weight: 'notice',
        what: `${namesOf(consumers)} will begin to consume or to refresh at once.`,
        remedy: 'With `quiet`, nothing that is restored reads or writes outside.',
      },
    ];
  if (isAtLeast(server.version, QUIET_SINCE)) return [];
  return [
    {
      check: 'consumers',
      weight: 'blocks',
      what: `${namesOf(consumers)} would begin to consume at once: ClickHouse ${server.version} cannot restore them as idle tables.`,
      remedy: `Restore to ClickHouse ${QUIET_SINCE} or newer, or stop what they consume first.`,
    },
  ];
}

/** The release that has all three of `restore_replace_external_…_to_null`. */
export const QUIET_SINCE = '24.10';

function otherRestores({ restoring }: Destination): PreflightFinding[] {
  if (restoring.length === 0) return [];
  return [
    {
      check: 'another-restore',
      weight: 'notice',
      what: `The server works on ${restoring.length} other ${restoring.length === 1 ? 'restore' : 'restores'}: ${listed(restoring)}.`,
      remedy: 'They share its disk and network; wait for their end where time allows.',
    },
  ];
}
