/** Texts that a statement must survive. */
import fc from 'fast-check';
import { anyText } from './any-text.ts';

/** Unicode without halves of surrogates, mixed with what SQL gives a meaning to. */
const NASTY = ['`', "'", '"', '\\', '\n', '\r', '\t', '\0', '\b', '\u001b', '\u202e', '\u2028', '\ufeff'];
const MEANINGFUL = ['--', '/*', '*/', ';', '#', '{a:String}', '`.`', "\\'", '\\x41', '%', '$$', '{', ' '];
export const NASTY_TEXT = fc
  .array(fc.oneof(anyText({ maxLength: 3 }), fc.constantFrom(...NASTY, ...MEANINGFUL)), {
    maxLength: 6,
  })
  .map((parts) => parts.join('').toWellFormed());
