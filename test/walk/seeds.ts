/** Which walks are taken: two hundred, one that failed, or as many as a soak wants. */
const { SAFEHOUSE_WALK_RUNS: runs, SAFEHOUSE_WALK_SEED: seed } = process.env;

export const FIRST = Number(seed ?? 1);
export const RUNS = Number(runs ?? (seed === undefined ? 200 : 1));
export const IS_SOAK = runs !== undefined;
