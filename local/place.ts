/** What stands for an AWS account on this machine: the values that CloudFormation would fill in. */
export interface Place {
  readonly region: string;
  readonly bucketName: string;
}

/** No account has this number. */
export const ACCOUNT = '000000000000';

export const functionArn = (region: string, name: string): string =>
  `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;

export const stateMachineArn = (region: string, name: string): string =>
  `arn:aws:states:${region}:${ACCOUNT}:stateMachine:${name}`;

export const topicArn = (region: string, name: string): string => `arn:aws:sns:${region}:${ACCOUNT}:${name}`;

export const executionArn = (machineArn: string, name: string): string =>
  `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
