/** What the names in a template stand for on this machine: pseudo parameters, and resources by their type. */
import type { References } from './intrinsic-functions.ts';
import { ACCOUNT, functionArn, type Place, stateMachineArn, topicArn } from './place.ts';

/** The part of a template that names are looked up in. */
export interface Named {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }>
  >;
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
}

export function referencesOf(template: Named, stackName: string, place: Place): References {
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Region': place.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${place.region}:${ACCOUNT}:stack/${stackName}/local`,
    'AWS::NoValue': undefined,
  };
  return {
    ref(name) {
      if (name in pseudo) return pseudo[name];
      const parameter = template.Parameters[name];
      if (parameter !== undefined) return parameter.Default;
      const resource = template.Resources[name];
      if (resource === undefined) throw new Error(`the template refers to ${name}, which it does not have`);
      return identify(name, resource, place);
    },
    attribute(id, attribute) {
      const type = template.Resources[id]?.Type ?? 'nothing';
      const arn = attribute === 'Arn' ? arnOf(id, type, place) : undefined;
      if (arn !== undefined) return arn;
      // A topic's or a queue's own name, a log group's, a role's: nothing here looks behind it.
      if (/Name$/.test(attribute)) return id;
      throw new Error(`${id} (${type}) has no ${attribute} on one machine`);
    },
  };
}

/** What `Ref` gives for a resource. */
function identify(id: string, { Type, Properties }: Named['Resources'][string], place: Place): string {
  switch (Type) {
    case 'AWS::S3::Bucket':
      return place.bucketName;
    case 'AWS::SNS::Topic':
      return topicArn(place.region, id);
    case 'AWS::StepFunctions::StateMachine':
      return stateMachineArn(place.region, id);
    case 'AWS::SSM::Parameter':
      return String(Properties['Name'] ?? id);
    default:
      return id;
  }
}

function arnOf(id: string, type: string, { region, bucketName }: Place): string {
  switch (type) {
    case 'AWS::S3::Bucket':
      return `arn:aws:s3:::${bucketName}`;
    case 'AWS::Lambda::Function':
      return functionArn(region, id);
    case 'AWS::StepFunctions::StateMachine':
      return stateMachineArn(region, id);
    case 'AWS::SNS::Topic':
      return topicArn(region, id);
    default: {
      const [, service = 'unknown'] = type.toLowerCase().split('::');
      return `arn:aws:${service}:${region}:${ACCOUNT}:${id}`;
    }
  }
}
