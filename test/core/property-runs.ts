const MOST = Number(process.env['SAFEHOUSE_PROPERTY_RUNS'] ?? Number.POSITIVE_INFINITY);

/** How often a property is tried. A mutation run, which runs it thousands of times, asks for a tenth, and for 20 at most. */
export const tries = (times: number): { numRuns: number } => ({
  numRuns: Number.isFinite(MOST) ? Math.min(MOST, Math.ceil(times / 10)) : times,
});
