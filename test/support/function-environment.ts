/** The environment that the stack gives to the functions. They read it once, so import this before any of them. */
import { ENVIRONMENT } from '../../core/environment.ts';
import { BUCKET } from '../local/bucket/served-bucket.ts';

export const SETTINGS = '/safehouse/test/targets/';
export const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:alerts';

Object.assign(process.env, {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  // Metrics go through the console, where a test can see them.
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_METRICS_DISABLED: 'false',
  [ENVIRONMENT.bucket]: BUCKET,
  [ENVIRONMENT.settings]: SETTINGS,
  [ENVIRONMENT.topic]: TOPIC,
  [ENVIRONMENT.stack]: 'Test',
  [ENVIRONMENT.workflow]: 'Backup',
});
