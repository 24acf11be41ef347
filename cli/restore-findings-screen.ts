/** What the preflight found: what is in the way first, each with what to do. */
import { ACCEPTABLE, type PreflightFinding } from '../core/restore.ts';
import { bad, doubtful, faint, type Line, line, paragraph, type Span, strong } from './screen.ts';

const WEIGHTS = ['blocks', 'accepted', 'notice'] as const satisfies readonly PreflightFinding['weight'][];

const LABELS: Readonly<Record<PreflightFinding['weight'], Span>> = {
  blocks: bad('  Stop:     '),
  accepted: doubtful('  Accepted: '),
  notice: faint('  Notice:   '),
};

export function findingsLines(findings: readonly PreflightFinding[], width: number): Line[] {
  if (findings.length === 0) return [];
  const sorted = WEIGHTS.flatMap((weight) => findings.filter((finding) => finding.weight === weight));
  return [line(strong('Preflight')), ...sorted.flatMap((finding) => findingLines(finding, width))];
}

function findingLines(finding: PreflightFinding, width: number): Line[] {
  // Asked for at the keyboard, or named with --yes.
  if (finding.check === 'confirmation' && finding.weight === 'blocks')
    return paragraph(doubtful('  Confirm:  '), finding.what.trimEnd(), width);
  return [
    ...paragraph(LABELS[finding.weight], `${finding.check}: ${finding.what.trimEnd()}`, width),
    ...(finding.remedy === '' ? [] : paragraph('  To do:    ', finding.remedy, width)),
    ...acceptLines(finding, width),
  ];
}

/** Said by the finding itself where it knows better. */
function acceptLines({ check, weight, remedy }: PreflightFinding, width: number): Line[] {
  if (weight !== 'blocks' || !ACCEPTABLE.includes(check) || remedy.includes('accept')) return [];
  return paragraph('            ', `Or take it on yourself: --accept ${check}`, width);
}
