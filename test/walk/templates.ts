/**
 * What the modelled ClickHouse writes: backups that the real engine has made once, of three different states of the data, each
 * with a full one and an incremental on it. A copy under another path is a backup like any other: only its own id and the path of its
 * base, which the manifest names, have to be those of the copies.
 */
import { type Bucket, listObjects } from '../../clients/bucket.ts';
import type { Kind } from '../../core/backup-id.ts';
import { backupPrefix, MANIFEST } from '../../core/keys.ts';

export const VARIANTS = [0, 1, 2] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Template {
  /** By their names below the backup's prefix. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What `FINGERPRINT` answers where it was restored. */
  readonly fingerprint: string;
}

export interface Templates {
  readonly endpoint: string;
  readonly full: readonly Template[];
  readonly incremental: readonly Template[];
}

export const FINGERPRINT =
  'SELECT toString((count(), sum(cityHash64(*)))) AS fingerprint FROM shop.orders FORMAT JSONEachRow';

export type Tell = (statement: string) => Promise<string>;

export async function makeTemplates(bucket: Bucket, endpoint: string, tell: Tell): Promise<Templates> {
  const made: Record<Kind, Template[]> = { full: [], incremental: [] };
  const take = async (kind: Kind, variant: Variant, settings = ''): Promise<string> => {
    const path = `templates/${variant}-${kind}`;
    const url = `${endpoint}/${bucket.name}/${path}`;
    await tell(`BACKUP DATABASE shop TO S3('${url}')${settings}`);
    const fingerprint = await readFingerprint(tell);
    made[kind].push({ files: await readFiles(bucket, endpoint, `${path}/`), fingerprint });
    return url;
  };
  for (const variant of VARIANTS) {
    await tell('DROP DATABASE IF EXISTS shop SYNC');
    await tell('CREATE DATABASE shop');
    await tell(
      "CREATE TABLE shop.orders (n UInt64, s String) ENGINE = MergeTree ORDER BY n COMMENT 'of the walk'",
    );
    await tell(
      `INSERT INTO shop.orders SELECT number + ${variant}, toString(cityHash64(number)) FROM numbers(${50 + variant})`,
    );
    const base = await take('full', variant);
    await tell(`INSERT INTO shop.orders SELECT number, 'later' FROM numbers(${7 + variant})`);
    await take('incremental', variant, ` SETTINGS base_backup = S3('${base}')`);
  }
  return { endpoint, full: made.full, incremental: made.incremental };
}

export async function readFingerprint(tell: Tell): Promise<string> {
  const { fingerprint } = JSON.parse(await tell(FINGERPRINT)) as { fingerprint: string };
  return fingerprint;
}

async function readFiles(bucket: Bucket, endpoint: string, prefix: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { key } of listObjects(bucket, prefix)) {
    const answer = await fetch(`${endpoint}/${bucket.name}/${key}`);
    files.set(key.slice(prefix.length), Buffer.from(await answer.arrayBuffer()));
  }
  return files;
}

/** The files of a backup of that variant, the manifest last, as ClickHouse writes it. */
export function filesOf(
  templates: Templates,
  { target, id, base }: { readonly target: string; readonly id: string; readonly base: string | null },
  variant: Variant,
): [string, Buffer][] {
  const { files } = (base === null ? templates.full : templates.incremental)[variant] as Template;
  const names = [...files.keys()].filter((name) => name !== MANIFEST);
  const contents = names.map((name): [string, Buffer] => [name, files.get(name) as Buffer]);
  const manifest = (files.get(MANIFEST) as Buffer)
    .toString()
    .replace(/(?<=<backup_id>)[^<]+/, id)
    .replaceAll(`templates/${variant}-full`, base === null ? '' : backupPrefix(target, base).slice(0, -1));
  return [...contents, [MANIFEST, Buffer.from(manifest)]];
}
