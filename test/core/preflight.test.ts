import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafehouseError } from '../../core/errors.ts';
import { judgePreflight, requireNoBlock } from '../../core/preflight.ts';
import { ACCEPTABLE, PREFLIGHT_CHECKS, type PreflightFinding } from '../../core/restore.ts';
import { preflightFacts, restorePlan, standingTable } from './restore-plans.ts';

describe('the judgement', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(judgePreflight(restorePlan(), preflightFacts())).toEqual([]);
  });

  it.each([
    [{ manifest: 'missing' }, 'backup'],
    [{ manifest: 'another' }, 'backup'],
    [{ baseManifest: 'missing' }, 'chain'],
    [{ failures: ['The backup does not count as good.'] }, 'backup'],
  ] as const)('a source of which %j blocks, and cannot be accepted', (source, check) => {
    const plan = restorePlan({ accept: [...PREFLIGHT_CHECKS] });
    const found = judgePreflight(plan, preflightFacts({}, source));
    expect(found).toMatchObject([{ check, weight: 'blocks' }]);
  });

  it('says whether the manifest is gone or another one', () => {
    const said = (source: Parameters<typeof preflightFacts>[1]) =>
      judgePreflight(restorePlan({ base: 'full', backup: 'incr' }), preflightFacts({}, source)).map(
        ({ what }) => what,
      );
    expect(said({ manifest: 'missing' })).toEqual(['The backup incr has no manifest any more.']);
    expect(said({ manifest: 'another' })).toEqual(['The manifest of incr is not the one that was verified.']);
    expect(said({ baseManifest: 'missing' })).toEqual([
      'full, on which incr stands, has no manifest any more.',
    ]);
    expect(said({ baseManifest: 'there', failures: ['It failed.'] })).toEqual(['It failed.']);
  });

  it('leaves a notice what it is, also when it was accepted', () => {
    const plan = restorePlan({ proven: false, accept: ['proof'] });
    expect(judgePreflight(plan, preflightFacts())).toMatchObject([{ check: 'proof', weight: 'notice' }]);
  });

  it('says of an unproven backup that it is one', () => {
    expect(judgePreflight(restorePlan({ proven: false }), preflightFacts())).toMatchObject([
      { check: 'proof', weight: 'notice' },
    ]);
  });

  it('takes on what may be accepted, says everything at once, and what blocks first', () => {
    const facts = preflightFacts({
      databases: ['shop'],
      tables: [standingTable({ rows: 3 })],
      missingGrants: ['INSERT ON `shop`.*'],
      restoring: ['r1'],
    });
    const found = judgePreflight(restorePlan({ accept: ['grants', 'destination'] }), facts);
    expect(found.map(({ check, weight }) => [check, weight])).toEqual([
      ['destination', 'blocks'],
      ['grants', 'accepted'],
      ['another-restore', 'notice'],
    ]);
  });

  it('never accepts what would mix or destroy data', () => {
    expect(ACCEPTABLE).not.toContain('destination');
    expect(ACCEPTABLE).not.toContain('confirmation');
    expect(ACCEPTABLE).not.toContain('backup');
    expect(ACCEPTABLE).not.toContain('chain');
  });
});

describe('what blocks', () => {
  const finding = (overrides: Partial<PreflightFinding>): PreflightFinding => ({
    check: 'disk',
    weight: 'blocks',
    what: 'It is full.',
    remedy: 'Make room.',
    ...overrides,
  });

  it('is thrown, each with its remedy and whether it may be accepted', () => {
    const findings = [
      finding({}),
      finding({ check: 'destination', what: 'It is there.', remedy: 'Go elsewhere.' }),
      finding({ check: 'grants', weight: 'accepted' }),
    ];
    expect(() => requireNoBlock(findings)).toThrow(
      new SafehouseError('RefusedForSafety', {
        what: 'Nothing was begun: [disk] It is full. [destination] It is there.',
        remedy: '[disk] Make room. To go on all the same: `accept` disk. [destination] Go elsewhere.',
        error: 'PreflightRefused',
      }),
    );
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .record({
              check: fc.constantFrom(...PREFLIGHT_CHECKS),
              weight: fc.constantFrom('blocks', 'accepted', 'notice'),
            })
            .map(finding),
        ),
        (findings) => {
          const blocks = findings.some(({ weight }) => weight === 'blocks');
          if (blocks) expect(() => requireNoBlock(findings)).toThrow('Nothing was begun');
          else requireNoBlock(findings);
        },
      ),
    );
  });
});
