/** What is told of an examination that nobody waits for. */
import { type Alert, type AlertFacts, anchorOf, asciiLine, lastGoodText, RUNBOOK } from './alert.ts';
import type { Examination } from './installation.ts';
import { harmless } from './redaction.ts';

export interface ExaminationFacts extends Pick<AlertFacts, 'target' | 'lastGood' | 'now' | 'execution'> {
  /** Good ones too: how many are bad says little without it. */
  readonly examinations: readonly Examination[];
}

/** Everything that is bad in one message, each with its remedy and its section of the runbook. */
export function composeExaminationAlert(facts: ExaminationFacts): Alert {
  const { target, examinations } = facts;
  const bad = examinations.filter(({ result }) => result === 'bad');
  const open = examinations.filter(({ result }) => result === 'not checked').map(({ check }) => check);
  const checks = bad.map(({ check }) => check).join(', ');
  const lines = [
    `The scheduled examination found ${bad.length} of ${examinations.length} checks bad: ${checks}.`,
    '',
    `Target:        ${target}`,
    `Last good:     ${lastGoodText(facts.lastGood, facts.now)}`,
    ...bad.flatMap(finding),
    '',
    ...(open.length === 0 ? [] : [`Not checked:   ${open.join(', ')}`]),
    `Execution:     ${facts.execution}`,
    `To try again:  npx safehouse doctor ${target}`,
  ];
  return {
    subject: asciiLine(`Safehouse: ${target}: the examination found something bad (${checks})`, 99),
    text: lines.map((line) => harmless(line)).join('\n'),
  };
}

const finding = ({ check, what, remedy, error }: Examination): string[] => [
  '',
  `Check:         ${check}${error === undefined ? '' : ` (${error})`}`,
  `What happened: ${what}`,
  `What to do:    ${remedy}`,
  `Runbook:       ${RUNBOOK}#${anchorOf(error ?? '')}`,
];
