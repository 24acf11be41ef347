import { expect, test } from 'vitest';
import { type References, resolveText, resolveValue } from '../../local/intrinsic-functions.ts';

const references: References = {
  ref: (name) => (name === 'AWS::NoValue' ? undefined : `ref-${name}`),
  attribute: (id, name) => `${id}.${name}!`,
};

test.each([
  [{ Ref: 'Bucket' }, 'ref-Bucket'],
  [{ 'Fn::GetAtt': ['Step', 'Arn'] }, 'Step.Arn!'],
  [{ 'Fn::GetAtt': 'Step.Arn' }, 'Step.Arn!'],
  [
    { 'Fn::Join': ['', ['{"Resource":"', { 'Fn::GetAtt': ['Step', 'Arn'] }, '"}']] },
    '{"Resource":"Step.Arn!"}',
  ],
  [{ 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'X' }] }] }, 'X'],
  [{ 'Fn::Sub': `\${Bucket}/\${!kept}/\${Step.Arn}` }, `ref-Bucket/\${kept}/Step.Arn!`],
  [{ 'Fn::Sub': [`\${a}-\${B}`, { a: { Ref: 'A' } }] }, 'ref-A-ref-B'],
])('%j becomes %s', (value, text) => {
  expect(resolveText(value, references)).toBe(text);
});

test('functions are found at any depth, and what is no function stays', () => {
  const value = { Target: [{ Arn: { Ref: 'M' } }, 1, null, true], Ref: 'not alone', Other: 'x' };

  expect(resolveValue(value, references)).toEqual({
    Target: [{ Arn: 'ref-M' }, 1, null, true],
    Ref: 'not alone',
    Other: 'x',
  });
});

test('a value that is none leaves its key out', () => {
  expect(JSON.stringify(resolveValue({ a: { Ref: 'AWS::NoValue' }, b: 1 }, references))).toBe('{"b":1}');
});

test('a function that is not known is an error, not a value', () => {
  expect(() => resolveValue({ 'Fn::ImportValue': 'x' }, references)).toThrow('Fn::ImportValue is not known');
});

test('a value that is no text is not taken for one', () => {
  expect(() => resolveText({ 'Fn::Split': ['-', 'a-b'] }, references)).toThrow('expected a text');
});
