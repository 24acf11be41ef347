import type { Figure } from './figure.ts';
import { bundles } from './figures/bundles.ts';
import { coldStart } from './figures/cold-start.ts';
import { mounting } from './figures/mounting.ts';
import { nightCost } from './figures/night.ts';
import { overhead } from './figures/overhead.ts';
import { proof } from './figures/proof.ts';
import { removal } from './figures/removal.ts';
import { restore } from './figures/restore.ts';
import { retentionPlan } from './figures/retention.ts';
import { verification } from './figures/verification.ts';

/** Every figure, by its number. */
export const FIGURES: readonly Figure[] = [
  overhead,
  removal,
  verification,
  retentionPlan,
  bundles,
  nightCost,
  proof,
  coldStart,
  mounting,
  restore,
];
