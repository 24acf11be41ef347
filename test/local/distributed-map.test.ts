import { expect, test } from 'vitest';
import { failingAsOnAws } from '../../local/distributed-map.ts';

const item = { Type: 'Task', Resource: 'arn', TimeoutSeconds: 5, End: true };
const mapOf = (mode: string, more: object = {}) => ({
  StartAt: 'M',
  States: {
    M: {
      Type: 'Map',
      ItemProcessor: {
        ProcessorConfig: { Mode: mode },
        StartAt: 'I',
        States: { I: { ...item, ...more }, W: { Type: 'Wait', Seconds: 1, End: true } },
      },
      End: true,
    },
  },
});

test('whatever ends an item of a distributed Map ends the Map with the one error that AWS has for it', () => {
  const [state] = Object.values(failingAsOnAws(mapOf('DISTRIBUTED')).States);

  expect(state?.ItemProcessor.States).toEqual({
    I: { ...item, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'M: an item failed' }] },
    W: { Type: 'Wait', Seconds: 1, End: true },
    'M: an item failed': {
      Type: 'Fail',
      Error: 'States.ExceedToleratedFailureThreshold',
      Cause: 'The specified tolerated failure threshold was exceeded',
    },
  });
});

test('what an item catches itself it still catches', () => {
  const Catch = [{ ErrorEquals: ['Refused'], Next: 'W' }];
  const [state] = Object.values(failingAsOnAws(mapOf('DISTRIBUTED', { Catch })).States);

  expect(state?.ItemProcessor.States.I).toMatchObject({
    Catch: [...Catch, { ErrorEquals: ['States.ALL'], Next: 'M: an item failed' }],
  });
});

test('an inline Map stays as it is: there the error of an item is that of the Map', () => {
  expect(failingAsOnAws(mapOf('INLINE'))).toEqual(mapOf('INLINE'));
});
