/** CloudFormation's functions, as far as a synthesised template uses them: `Ref`, `Fn::GetAtt`, `Fn::Join`, … */

/** What the template's names stand for. Both throw when they do not know. */
export interface References {
  ref(name: string): unknown;
  attribute(logicalId: string, name: string): string;
}

/**
 * A value of a template with every function in it replaced by its result. `AWS::NoValue` becomes undefined, which
 * JSON leaves out, as CloudFormation does.
 *
 * @throws Error when a function is not known here: a wrong value would run on and be looked for elsewhere
 */
export function resolveValue(value: unknown, references: References): unknown {
  if (Array.isArray(value)) return value.map((item) => resolveValue(item, references));
  if (typeof value !== 'object' || value === null) return value;
  const [first, ...others] = Object.entries(value);
  if (first !== undefined && others.length === 0 && (first[0] === 'Ref' || first[0].startsWith('Fn::')))
    return apply(first[0], first[1], references);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveValue(item, references)] as const),
  );
}

/** @throws Error when the value is anything but a text once it is resolved */
export function resolveText(value: unknown, references: References): string {
  const text = resolveValue(value, references);
  if (typeof text === 'string') return text;
  throw new Error(`expected a text, got ${JSON.stringify(text)} from ${JSON.stringify(value)}`);
}

function apply(name: string, argument: unknown, references: References): unknown {
  switch (name) {
    case 'Ref':
      return references.ref(String(argument));
    case 'Fn::GetAtt': {
      const [id = '', attribute = ''] = Array.isArray(argument)
        ? argument.map(String)
        : split(String(argument));
      return references.attribute(id, attribute);
    }
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown];
      return (resolveValue(parts, references) as unknown[]).map(String).join(separator);
    }
    case 'Fn::Select': {
      const [index, list] = argument as [number | string, unknown];
      return (resolveValue(list, references) as unknown[])[Number(index)];
    }
    case 'Fn::Split': {
      const [separator, text] = argument as [string, unknown];
      return resolveText(text, references).split(separator);
    }
    case 'Fn::Sub':
      return substitute(argument, references);
    default:
      throw new Error(`${name} is not known on one machine: ${JSON.stringify(argument)}`);
  }
}

const split = (dotted: string): [string, string] => {
  const dot = dotted.indexOf('.');
  return [dotted.slice(0, dot), dotted.slice(dot + 1)];
};

function substitute(argument: unknown, references: References): string {
  const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [
    string,
    Record<string, unknown>,
  ];
  return text.replace(/\$\{(!?)([^}]+)\}/g, (whole, literal: string, name: string) => {
    if (literal === '!') return `\${${name}}`;
    if (Object.hasOwn(variables, name)) return resolveText(variables[name], references);
    if (name.includes('.')) return references.attribute(...split(name));
    const value = references.ref(name);
    if (typeof value !== 'string') throw new Error(`${whole} is not a text`);
    return value;
  });
}
