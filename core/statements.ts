/**
 * The statements that ClickHouse is given. Secrets are never part of their text: they are query parameters, which
 * ClickHouse puts in by itself and hides wherever it shows the statement again.
 */
import { SYSTEM_DATABASES, type TableName } from './config.ts';
import { quoteIdentifier, quoteString } from './identifiers.ts';

/** Where a backup lies, and how ClickHouse gets there. */
export type S3Location =
  /** With what the server itself has: instance profile, IRSA, environment, `<s3>` in its configuration. */
  | { readonly access: 'server'; readonly url: string }
  /** With a role that the server assumes. */
  | { readonly access: 'role'; readonly url: string; readonly roleArn: string; readonly externalId?: string }
  /** With a named collection of the server's; `path` is below the collection's own address. */
  | { readonly access: 'namedCollection'; readonly name: string; readonly path: string }
  | {
      readonly access: 'keys';
      readonly url: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    }
  /** With temporary credentials: `S3(url, …)` takes no session token (ClickHouse#56542), a named collection does. */
  | {
      readonly access: 'sts';
      readonly name: string;
      readonly path: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string;
    };

export type StatementElement =
  | {
      readonly kind: 'database';
      readonly database: string;
      /** The name in the backup (BACKUP) or on the server (RESTORE), where it is another. */
      readonly as?: string;
      readonly except?: readonly string[];
    }
  | {
      readonly kind: 'table';
      readonly database: string;
      readonly table: string;
      readonly as?: TableName;
      /** Ids, as `system.parts.partition_id` has them. */
      readonly partitions?: readonly string[];
    }
  /** Everything; ClickHouse's own databases are always excepted. */
  | {
      readonly kind: 'all';
      readonly exceptDatabases?: readonly string[];
      readonly except?: readonly TableName[];
    };

/** Settings of the statement, by ClickHouse's own names. */
export type StatementSettings = Readonly<Record<string, string | number | boolean>>;

/** As `@clickhouse/client` takes it. Send it with `use_multipart_params`, or the secrets travel in the URL. */
export interface Statement {
  readonly query: string;
  readonly query_params: Readonly<Record<string, string>>;
}

export interface BackupStatement {
  readonly elements: readonly StatementElement[];
  readonly cluster?: string;
  readonly destination: S3Location;
  /** The full backup that an incremental stands on. */
  readonly base?: S3Location;
  readonly settings?: StatementSettings;
  /** The backup id: ClickHouse refuses it the second time, which makes a repeated submit harmless. */
  readonly id: string;
}

export interface RestoreStatement {
  readonly elements: readonly StatementElement[];
  readonly cluster?: string;
  readonly source: S3Location;
  readonly base?: S3Location;
  readonly settings?: StatementSettings;
}

/**
 * `BACKUP … TO S3(…) SETTINGS id = … ASYNC`. The answer says only that it was begun: everything but a syntax error, an
 * unknown setting and a repeated id shows in `system.backups`.
 *
 * @throws {RangeError} when ClickHouse could not take it, or would take it for something else
 */
export function backupStatement({
  elements,
  cluster,
  destination,
  base,
  settings,
  id,
}: BackupStatement): Statement {
  const query_params: Record<string, string> = {};
  const baseEngine = base && s3Engine(base, parameters('base', query_params));
  const query = [
    `BACKUP ${elementList(elements)}`,
    onCluster(cluster),
    ` TO ${s3Engine(destination, parameters('destination', query_params))}`,
    // ASYNC before SETTINGS parses too, but then `id` is looked up among the settings of the query: UNKNOWN_SETTING.
    `${settingsClause({ id, baseEngine, settings })} ASYNC`,
  ].join('');
  return { query, query_params };
}

/**
 * `RESTORE … FROM S3(…) SETTINGS id = … ASYNC`. A base is named although the manifest names it too: with a role it is not
 * found otherwise on several releases (ClickHouse#116223).
 *
 * @throws {RangeError} when ClickHouse could not take it, or would take it for something else
 */
export function restoreSubmission({
  elements,
  cluster,
  source,
  base,
  settings,
  id,
}: RestoreStatement & { readonly id: string }): Statement {
  const query_params: Record<string, string> = {};
  const baseEngine = base && s3Engine(base, parameters('base', query_params));
  const query = [
    `RESTORE ${elementList(elements)}`,
    onCluster(cluster),
    ` FROM ${s3Engine(source, parameters('source', query_params))}`,
    `${settingsClause({ id, baseEngine, settings })} ASYNC`,
  ].join('');
  return { query, query_params };
}

/**
 * The statement for a person: it works in any client, without Safehouse, on a server that has access to the bucket. In the
 * places of secrets stand placeholders, whatever the location holds.
 *
 * @throws {RangeError} when ClickHouse could not take it, or would take it for something else
 */
export function restoreStatement({ elements, cluster, source, base, settings }: RestoreStatement): string {
  const baseEngine = base && s3Engine(base, literal);
  return [
    `RESTORE ${elementList(elements)}`,
    onCluster(cluster),
    ` FROM ${s3Engine(source, literal)}`,
    settingsClause({ baseEngine, settings }),
  ].join('');
}

type Argument =
  | 'url'
  | 'path'
  | 'role_arn'
  | 'external_id'
  | 'access_key_id'
  | 'secret_access_key'
  | 'session_token';
/** Writes one argument of `S3(…)`. */
type Write = (argument: Argument, value: string) => string;

/** As query parameters; the role keeps those of a base apart from those of a destination. */
const parameters =
  (role: 'destination' | 'source' | 'base', query_params: Record<string, string>): Write =>
  (argument, value) => {
    const name = `${role}_${argument}`;
    query_params[name] = value;
    return `{${name}:String}`;
  };

const PLACEHOLDERS: Partial<Record<Argument, string>> = {
  access_key_id: '<access key id>',
  secret_access_key: '<secret access key>',
  session_token: '<session token>',
};

const literal: Write = (argument, value) => quoteString(PLACEHOLDERS[argument] ?? value);

function s3Engine(location: S3Location, write: Write): string {
  switch (location.access) {
    case 'server':
      return `S3(${write('url', location.url)})`;
    case 'role': {
      const { url, roleArn, externalId } = location;
      const external = externalId === undefined ? '' : `, external_id = ${write('external_id', externalId)}`;
      const role = `role_arn = ${write('role_arn', roleArn)}, role_session_name = 'safehouse'${external}`;
      return `S3(${write('url', url)}, extra_credentials(${role}))`;
    }
    case 'namedCollection':
      return `S3(${quoteIdentifier(location.name)}, ${write('path', location.path)})`;
    case 'keys': {
      const { url, accessKeyId, secretAccessKey } = location;
      return `S3(${write('url', url)}, ${write('access_key_id', accessKeyId)}, ${write('secret_access_key', secretAccessKey)})`;
    }
    case 'sts': {
      const { name, path, accessKeyId, secretAccessKey, sessionToken } = location;
      // Without a collection before them such overrides parse and are silently ignored.
      const overrides = [
        `access_key_id = ${write('access_key_id', accessKeyId)}`,
        `secret_access_key = ${write('secret_access_key', secretAccessKey)}`,
        `session_token = ${write('session_token', sessionToken)}`,
      ];
      return `S3(${quoteIdentifier(name)}, ${write('path', path)}, ${overrides.join(', ')})`;
    }
  }
}

const onCluster = (cluster: string | undefined): string =>
  cluster === undefined ? '' : ` ON CLUSTER ${quoteIdentifier(cluster)}`;

/**
 * An EXCEPT list takes every word after a comma for one more name: after `DATABASE a EXCEPT TABLES x, ALL` everything else
 * would silently be missing. So the element with EXCEPT comes last, and there can be only one. A list of partitions swallows
 * ALL in the same way.
 */
function elementList(elements: readonly StatementElement[]): string {
  if (elements.length === 0)
    throw new RangeError('a statement must name at least one database or table, got none');
  const excepting = elements.filter(hasExcept);
  if (excepting.length > 1)
    throw new RangeError(
      `ClickHouse takes EXCEPT in one element of a statement, got it in ${excepting.length} (${excepting.map(nameOf).join(', ')}); name their tables one by one, or everything with the exceptions`,
    );
  if (excepting[0]?.kind === 'all' && elements.some(hasPartitions))
    throw new RangeError('ALL takes every partition; name partitions of a table in a statement without ALL');
  return [...elements.filter((element) => !hasExcept(element)), ...excepting].map(elementText).join(', ');
}

const hasPartitions = (element: StatementElement): boolean =>
  element.kind === 'table' && (element.partitions ?? []).length > 0;

const hasExcept = (element: StatementElement): boolean =>
  element.kind === 'all' || (element.kind === 'database' && (element.except ?? []).length > 0);

const nameOf = (element: StatementElement): string =>
  element.kind === 'all' ? 'ALL' : quoteIdentifier(element.database);

function elementText(element: StatementElement): string {
  switch (element.kind) {
    case 'all':
      return everything(element);
    case 'database': {
      const { database, as, except = [] } = element;
      if (isSystem(database))
        throw new RangeError(
          `the database ${database} belongs to ClickHouse itself and is neither backed up nor restored; leave it out`,
        );
      const renamed = as === undefined ? '' : ` AS ${quoteIdentifier(as)}`;
      const without = except.length === 0 ? '' : ` EXCEPT TABLES ${except.map(quoteIdentifier).join(', ')}`;
      return `DATABASE ${quoteIdentifier(database)}${renamed}${without}`;
    }
    case 'table': {
      const { as, partitions = [] } = element;
      const renamed = as === undefined ? '' : ` AS ${tableText(as)}`;
      const parts = partitions.map((id) => `ID ${quoteString(id)}`).join(', ');
      return `TABLE ${tableText(element)}${renamed}${parts && ` PARTITIONS ${parts}`}`;
    }
  }
}

/** `EXCEPT DATABASES` before `EXCEPT TABLES`: the other order is a syntax error. */
function everything({
  exceptDatabases = [],
  except = [],
}: Extract<StatementElement, { kind: 'all' }>): string {
  const databases = [...new Set([...SYSTEM_DATABASES, ...exceptDatabases])].map(quoteIdentifier);
  const tables = except.length === 0 ? '' : ` EXCEPT TABLES ${except.map(tableText).join(', ')}`;
  return `ALL EXCEPT DATABASES ${databases.join(', ')}${tables}`;
}

const tableText = ({ database, table }: TableName): string =>
  `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;

const isSystem = (database: string): boolean => (SYSTEM_DATABASES as readonly string[]).includes(database);

const OWN_SETTINGS = ['id', 'async', 'base_backup'];

function settingsClause({
  id,
  baseEngine,
  settings = {},
}: {
  readonly id?: string;
  readonly baseEngine?: string | undefined;
  readonly settings?: StatementSettings | undefined;
}): string {
  const assignments = [
    ...(id === undefined ? [] : [`id = ${operationId(id)}`]),
    ...(baseEngine === undefined ? [] : [`base_backup = ${baseEngine}`]),
    ...Object.entries(settings).map(([name, value]) => `${settingName(name)} = ${settingValue(name, value)}`),
  ];
  return assignments.length === 0 ? '' : ` SETTINGS ${assignments.join(', ')}`;
}

/** An empty one would let ClickHouse choose another each time, and a repeated submit would run twice. */
function operationId(id: string): string {
  if (id === '')
    throw new RangeError('the id of a backup or restore must have at least one character, got an empty one');
  return quoteString(id);
}

function settingName(name: string): string {
  if (!/^[a-z0-9_]+$/.test(name))
    throw new RangeError(`a setting's name must be of a-z, 0-9 and "_", got ${JSON.stringify(name)}`);
  if (OWN_SETTINGS.includes(name))
    throw new RangeError(`the setting ${name} is set by Safehouse; leave it out`);
  return name;
}

function settingValue(name: string, value: string | number | boolean): string {
  if (typeof value === 'string') return quoteString(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (!Number.isFinite(value))
    throw new RangeError(`the setting ${name} must be a finite number, got ${value}`);
  return String(value);
}
