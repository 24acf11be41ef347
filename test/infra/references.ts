/** CloudFormation's references as short text: `<Id>` and `<Id.Arn>`, so that wiring can be asserted and read. */
type Intrinsic = Readonly<Record<string, unknown>>;

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  const [[key, argument] = ['', undefined]] = Object.entries(value as Intrinsic);
  switch (key) {
    case 'Ref':
      return argument === 'AWS::Partition' ? 'aws' : `<${String(argument)}>`;
    case 'Fn::GetAtt':
      return `<${(argument as string[]).join('.')}>`;
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map(textOf).join(separator);
    }
    case 'Fn::Split': {
      const [, whole] = argument as [string, unknown];
      return textOf(whole);
    }
    // CDK takes names out of ARNs so.
    case 'Fn::Select': {
      const [index, list] = argument as [number, unknown];
      return `${textOf(list)}[${index}]`;
    }
    default:
      throw new Error(`a reference of an unknown kind: ${JSON.stringify(value)}`);
  }
}

export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).map(textOf);
