/** What `BACKUP` saves of a table, measured on 26.7 with each engine. */
export const COVERAGES = ['data', 'schema only', 'not in backup'] as const;
export type Coverage = (typeof COVERAGES)[number];

const DATA = /^\w*MergeTree$|^(?:Log|TinyLog|StripeLog|Memory|MaterializedView)$/;

/**
 * What a backup holds of a table with this engine. Anything whose data ClickHouse does not save, or of which it is not
 * known that it does, is "schema only": Set and Join (even persistent), Buffer (ClickHouse#121219), Kafka, Distributed…
 */
export const coverageOf = (engine: string): Coverage => (DATA.test(engine) ? 'data' : 'schema only');
