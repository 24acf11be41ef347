/** The verbs, in the order of the help: how things stand, what to do, how to set it up. */
import type { Verb } from './verb.ts';
import { adopt } from './verbs/adopt.ts';
import { backup } from './verbs/backup.ts';
import { cancel } from './verbs/cancel.ts';
import { doctor } from './verbs/doctor.ts';
import { grants } from './verbs/grants.ts';
import { keep } from './verbs/keep.ts';
import { list } from './verbs/list.ts';
import { local } from './verbs/local.ts';
import { policy } from './verbs/policy.ts';
import { prove } from './verbs/prove.ts';
import { restore } from './verbs/restore.ts';
import { retention } from './verbs/retention.ts';
import { show } from './verbs/show.ts';
import { sql } from './verbs/sql.ts';
import { status } from './verbs/status.ts';
import { unkeep } from './verbs/unkeep.ts';

export const VERBS: readonly Verb[] = [
  status,
  list,
  show,
  sql,
  backup,
  prove,
  restore,
  cancel,
  retention,
  keep,
  unkeep,
  adopt,
  doctor,
  grants,
  policy,
  local,
];
