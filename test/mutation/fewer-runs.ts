/** Properties are tried a few times and always the same ones: there are thousands of mutants, and each has the same chance. */
import * as fc from 'fast-check';

fc.configureGlobal({ numRuns: Number(process.env['SAFEHOUSE_PROPERTY_RUNS']), seed: 1 });
