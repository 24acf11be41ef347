import { expect, it } from 'vitest';
import { type Output, progressOn } from '../../cli/progress.ts';
import { line } from '../../cli/screen.ts';

function kept(terminal: boolean): Output & { text: string } {
  return {
    text: '',
    isTTY: terminal,
    columns: 20,
    hasColors: () => false,
    write(text: string) {
      this.text += text;
    },
  };
}

it('redraws one line on a terminal, cut to its width, and takes it away at the end', () => {
  const output = kept(true);
  const progress = progressOn(output, () => 0);
  progress.show(line('Writing', '  a backup that is long'));
  progress.show(line('Verifying'));
  progress.note(line('noted'));
  progress.clear();
  expect(output.text.split('\r\u001b[2K')).toEqual(['', 'Writing  a backup …', 'Verifying', 'noted\n']);
});

it('writes a plain line elsewhere when the step changes, and once a minute', () => {
  let now = 0;
  const output = kept(false);
  const progress = progressOn(output, () => now);
  for (now = 0; now <= 130_000; now += 1000) progress.show(line('Writing', `  ${now / 1000} s`));
  progress.show(line('Verifying', '  131 s'));
  progress.clear();
  expect(output.text).toBe('Writing  0 s\nWriting  60 s\nWriting  120 s\nVerifying  131 s\n');
});

it('shows nothing on a terminal that could act on it', () => {
  const output = kept(true);
  progressOn(output, () => 0).show(line('a\u001b]0;title\u0007b'));
  expect(output.text.replace('\r\u001b[2K', '')).not.toMatch(/\p{Cc}/u);
});
