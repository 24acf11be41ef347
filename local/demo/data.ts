/** What the demonstration backs up: three small databases as one finds them, and a fourth with names that one fears. */
import { quoteIdentifier, quoteString } from '../../core/identifiers.ts';

/** Databases that belong to the demonstration; it makes them anew each time. */
export const DATABASES = ['shop', 'telemetry', 'reference', 'Marketing "2026" (draft)'] as const;

const ODD = '`Marketing "2026" (draft)`';

/** The shop as it was in the beginning: what the backups of the simulated history hold. */
export const FIRST_CUSTOMERS: readonly string[] = [
  'CREATE DATABASE shop',
  `CREATE TABLE shop.customers (
     id UInt64, name String, country LowCardinality(String), since Date
   ) ENGINE = MergeTree ORDER BY id`,
  `INSERT INTO shop.customers
   SELECT number, 'Customer ' || number, ['DE', 'FR', 'PL', 'SE'][number % 4 + 1], toDate('2025-01-01') + number % 365
   FROM numbers(500)`,
];

const SHOP: readonly string[] = [
  `CREATE TABLE shop.orders (
     id UInt64, customer UInt64, placed DateTime, state LowCardinality(String), changed DateTime
   ) ENGINE = ReplacingMergeTree(changed) PARTITION BY toYYYYMM(placed) ORDER BY (customer, id)`,
  `CREATE TABLE shop.order_lines (
     order_id UInt64, article String, price Decimal(12, 2), quantity UInt16, placed DateTime
   ) ENGINE = MergeTree PARTITION BY toYYYYMM(placed) ORDER BY (order_id, article)`,
  `CREATE TABLE shop.revenue_by_day (day Date, country LowCardinality(String), revenue Decimal(18, 2))
   ENGINE = SummingMergeTree ORDER BY (day, country)`,
  `CREATE MATERIALIZED VIEW shop.revenue TO shop.revenue_by_day AS
   SELECT toDate(placed) AS day, 'all' AS country, sum(price * quantity) AS revenue
   FROM shop.order_lines GROUP BY day`,
  // Holds rows in memory until it flushes them: ClickHouse saves its definition and nothing else.
  `CREATE TABLE shop.orders_buffer AS shop.orders
   ENGINE = Buffer(shop, orders, 1, 600, 3600, 100000, 1000000, 100000000, 1000000000)`,
];

const TELEMETRY: readonly string[] = [
  'CREATE DATABASE telemetry',
  `CREATE TABLE telemetry.events (
     at DateTime64(3), host LowCardinality(String), kind LowCardinality(String), trace UUID, payload String CODEC(ZSTD(1))
   ) ENGINE = MergeTree PARTITION BY toMonday(at) ORDER BY (host, kind, at)`,
  `CREATE TABLE telemetry.events_by_host (
     host LowCardinality(String), events AggregateFunction(count), last AggregateFunction(max, DateTime64(3))
   ) ENGINE = AggregatingMergeTree ORDER BY host`,
  `CREATE MATERIALIZED VIEW telemetry.count_events TO telemetry.events_by_host AS
   SELECT host, countState() AS events, maxState(at) AS last FROM telemetry.events GROUP BY host`,
  'CREATE TABLE telemetry.deployments (at DateTime, version String) ENGINE = StripeLog',
  "INSERT INTO telemetry.deployments SELECT now() - number * 86400, '1.' || number FROM numbers(40)",
];

const REFERENCE: readonly string[] = [
  'CREATE DATABASE reference',
  'CREATE TABLE reference.countries (code String, name String) ENGINE = MergeTree ORDER BY code',
  "INSERT INTO reference.countries VALUES ('DE', 'Germany'), ('FR', 'France'), ('PL', 'Poland'), ('SE', 'Sweden')",
  `CREATE DICTIONARY reference.country_names (code String, name String) PRIMARY KEY code
   SOURCE(CLICKHOUSE(DB 'reference' TABLE 'countries')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)`,
];

const ODD_NAMES: readonly string[] = [
  `CREATE DATABASE ${ODD}`,
  `CREATE TABLE ${ODD}.\`it's 100 % "final"\` (\`first name\` String, \`a\\\`b\` UInt32) ENGINE = MergeTree ORDER BY tuple()`,
  `INSERT INTO ${ODD}.\`it's 100 % "final"\` SELECT 'n' || number, number FROM numbers(1000)`,
];

/** Rows for so many days up to today, in months and weeks of their own. */
const rows = (orders: number, events: number, days: number): readonly string[] => [
  `INSERT INTO shop.orders
   SELECT number, number % 500, now() - (number * 7919) % (86400 * ${days}), 'paid', now() FROM numbers(${orders})`,
  `INSERT INTO shop.order_lines
   SELECT number, 'article-' || number % 900, (number % 9000) / 100, number % 5 + 1,
          now() - (number * 7919) % (86400 * ${days})
   FROM numbers(${orders})`,
  `INSERT INTO telemetry.events
   SELECT now64(3) - (number * 104729) % (86400 * ${days}), 'host-' || number % 40,
          ['start', 'read', 'write', 'stop'][number % 4 + 1], generateUUIDv4(number), randomPrintableASCII(24, number)
   FROM numbers(${events})`,
];

export const TABLES: readonly string[] = [...SHOP, ...TELEMETRY, ...REFERENCE, ...ODD_NAMES];
/** About 50 MB once compressed, in some sixty parts. */
export const MANY_ROWS = rows(200_000, 1_000_000, 120);
/** What a day adds, and rows that only the Buffer holds. */
export const A_DAY_LATER: readonly string[] = [
  ...rows(1500, 12_000, 1),
  "INSERT INTO shop.orders_buffer SELECT number, 1, now(), 'new', now() FROM numbers(25)",
];

export const dropAll = (): readonly string[] =>
  DATABASES.map((name) => `DROP DATABASE IF EXISTS ${quoteIdentifier(name)} SYNC`);

const DATABASE_LIST = DATABASES.map((name) => quoteString(name)).join(', ');

/** Name, tables, rows, bytes and engines of each database, the largest first. */
export const DESCRIBE_DATABASES = `
  SELECT database, count(), sum(total_rows), sum(total_bytes),
         arrayStringConcat(arraySort(groupUniqArray(engine)), ', ')
  FROM system.tables WHERE database IN (${DATABASE_LIST})
  GROUP BY database ORDER BY sum(total_bytes) DESC FORMAT TabSeparatedRaw`;

export const COUNT_ROWS = `SELECT sum(total_rows) FROM system.tables WHERE database IN (${DATABASE_LIST})`;

/** Rows that a Buffer table holds, and that no backup has. Its count includes those of the table behind it. */
export const COUNT_BUFFERED_ROWS =
  'SELECT (SELECT count() FROM shop.orders_buffer) - (SELECT count() FROM shop.orders)';
