/** The functions of a template, by the step that they are. */
import { FUNCTIONS, type FunctionName } from '../../infra/function-names.ts';
import { textOf } from './references.ts';
import { type Resource, resourcesOf, type Template } from './synthesis.ts';

export interface DeployedFunction {
  readonly logicalId: string;
  readonly step: FunctionName;
  readonly resource: Resource;
  readonly role: Resource;
}

export function functionsOf(template: Template): readonly DeployedFunction[] {
  return resourcesOf(template, 'AWS::Lambda::Function').map(([logicalId, resource]) => ({
    logicalId,
    step: stepOf(resource),
    resource,
    role: roleOf(template, resource.Properties['Role']),
  }));
}

function stepOf({ Properties }: Resource): FunctionName {
  const description = String(Properties['Description']);
  const step = FUNCTIONS.find((name) => description.startsWith(`Safehouse, ${name}:`));
  if (step === undefined) throw new Error(`a function of no step: ${description}`);
  return step;
}

/** @param reference `Fn::GetAtt` of a role's ARN */
export function roleOf(template: Template, reference: unknown): Resource {
  const role = template.Resources[textOf(reference).slice(1, -'.Arn>'.length)];
  if (role?.Type !== 'AWS::IAM::Role') throw new Error(`no role: ${textOf(reference)}`);
  return role;
}
