/** The help of the whole and of each verb, made from what the verbs say of themselves. */
import { GLOBAL_FLAGS } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { EMPTY_LINE, faint, type Line, line, paragraph, strong } from './screen.ts';
import { textWidth } from './text-width.ts';
import type { Argument, Flag, Verb } from './verb.ts';

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 100;

export function overview(verbs: readonly Verb[], width: number): Line[] {
  const room = Math.min(width, WIDEST);
  return [
    line(strong('Safehouse'), ': ClickHouse backups that count only after they have been read back.'),
    EMPTY_LINE,
    line('  npx safehouse VERB [ARGUMENT] [FLAGS]'),
    EMPTY_LINE,
    line(strong('Verbs')),
    ...entries(
      verbs.map((verb) => [usageText(verb), verb.summary]),
      room,
    ),
    EMPTY_LINE,
    line(strong('Flags of every verb')),
    ...flagEntries(GLOBAL_FLAGS, room),
    EMPTY_LINE,
    line(strong('BACKUP')),
    ...paragraph(
      '  ',
      'is an id, a beginning of one that no other has, or `latest`: the newest good one. With several targets, TARGET/latest.',
      room,
    ),
    EMPTY_LINE,
    line(strong('Exit codes')),
    ...entries(
      [
        [String(EXIT.good), 'good'],
        [String(EXIT.unexpected), 'unexpected: a defect of Safehouse'],
        [String(EXIT.usage), 'wrong usage, configuration or credentials'],
        [String(EXIT.notFound), 'no such stack, target or backup'],
        [String(EXIT.failed), 'the operation failed, or something is not well'],
        [
          String(EXIT.unverified),
          'a backup is not what its manifest says, or a restore not what the backup holds',
        ],
        [String(EXIT.unsafe), 'refused: a rule that protects data or backups forbids it'],
        [String(EXIT.interrupted), 'Ctrl-C: somebody stopped watching; what was started goes on'],
      ],
      room,
    ),
    EMPTY_LINE,
    ...examples([
      'status',
      'backup demo --local',
      'show latest --local',
      'list shop --stack Production --json',
    ]),
  ];
}

export function verbHelp(verb: Verb, width: number): Line[] {
  const room = Math.min(width, WIDEST);
  const flags = Object.entries(verb.flags);
  const usage = [usageText(verb), ...flags.map(([name, flag]) => `[${flagText(name, flag)}]`)];
  return [
    ...paragraph('  npx safehouse ', usage.join(' '), room),
    EMPTY_LINE,
    ...verb.about.flatMap((sentence) => paragraph('', sentence, room)),
    EMPTY_LINE,
    ...(flags.length > 0 ? [line(strong('Flags')), ...flagEntries(verb.flags, room), EMPTY_LINE] : []),
    line(strong('Flags of every verb')),
    ...flagEntries(GLOBAL_FLAGS, room),
    EMPTY_LINE,
    ...examples(verb.examples),
  ];
}

const usageText = ({ name, argument, second }: Verb): string =>
  [name, argumentText(argument), argumentText(second)].filter(Boolean).join(' ');

const argumentText = (argument: Argument | undefined): string => {
  if (argument === undefined) return '';
  return argument.required ? argument.name : `[${argument.name}]`;
};

/** A longer choice is named in the sentence about the flag. */
const LONGEST_CHOICE = 20;

function flagText(name: string, { value, allowed }: Flag): string {
  if (value === undefined) return `--${name}`;
  const choice = allowed?.join('|');
  return `--${name} ${choice === undefined || choice.length > LONGEST_CHOICE ? value : choice}`;
}

const flagEntries = (flags: Readonly<Record<string, Flag>>, width: number): Line[] =>
  entries(
    Object.entries(flags).map(([name, flag]) => [flagText(name, flag), flag.about]),
    width,
  );

function entries(pairs: readonly (readonly string[])[], width: number): Line[] {
  const labelWidth = Math.max(...pairs.map(([label = '']) => textWidth(label)));
  return pairs.flatMap(([label = '', text = '']) =>
    paragraph(`  ${label}${' '.repeat(labelWidth - textWidth(label))}  `, text, width),
  );
}

const examples = (commands: readonly string[]): Line[] => [
  line(strong(commands.length === 1 ? 'Example' : 'Examples')),
  ...commands.map((command) => line(faint('  npx safehouse '), command)),
];
