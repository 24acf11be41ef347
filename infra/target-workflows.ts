/** The workflows that talk to ClickHouse: a set for each network from which targets are reached. */
import type { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { BackupWorkflow } from './backup-workflow.ts';
import { CancelWorkflow } from './cancel-workflow.ts';
import type { DeploymentContext } from './deployment-context.ts';
import { concludingStep, DoctorWorkflow } from './doctor-workflow.ts';
import type { ProofSteps } from './proof-definition.ts';
import { RestoreWorkflow } from './restore-workflow.ts';
import type { NetworkGroup } from './target-network.ts';

export interface TargetStateMachines {
  /** Makes a backup of `{ "target": … }`. */
  readonly backup: StateMachine;
  /** Tries everything that a backup of `{ "target": … }` needs. */
  readonly doctor: StateMachine;
  /** Restores to the target: `{ "target": … }`, or `{ "target": …, "to": … }` with another target's backup. */
  readonly restore: StateMachine;
  /** Ends a restore to the target whose execution was stopped: `{ "target": …, "restore": … }`. */
  readonly cancelRestore: StateMachine;
}

export interface TargetWorkflowsProps {
  readonly context: DeploymentContext;
  readonly groups: readonly NetworkGroup[];
  /** The functions that prove each verified backup. */
  readonly proof: ProofSteps;
  /** The state machine that follows each proven backup. */
  readonly retention: IStateMachine;
}

/** The workflows of one network. */
export interface GroupWorkflows {
  readonly group: NetworkGroup;
  readonly backup: BackupWorkflow;
  readonly doctor: DoctorWorkflow;
  readonly restore: RestoreWorkflow;
  readonly cancel: CancelWorkflow;
}

export const addTargetWorkflows = (
  scope: Construct,
  { context, groups, proof, retention }: TargetWorkflowsProps,
): readonly GroupWorkflows[] => {
  const conclude = concludingStep(scope, context);
  return groups.map((group) => {
    const restore = new RestoreWorkflow(scope, `Restore${group.mark}`, { context, group });
    return {
      group,
      backup: new BackupWorkflow(scope, `Backup${group.mark}`, { context, group, proof, retention }),
      doctor: new DoctorWorkflow(scope, `Doctor${group.mark}`, { context, group, conclude }),
      restore,
      cancel: new CancelWorkflow(scope, `CancelRestore${group.mark}`, {
        context,
        group,
        ending: restore.ending,
      }),
    };
  });
};

/** The state machines by the name of the target. */
export const machinesByTarget = (
  workflows: readonly GroupWorkflows[],
): Readonly<Record<string, TargetStateMachines>> =>
  Object.fromEntries(
    workflows.flatMap(({ group, backup, doctor, restore, cancel }) =>
      Object.keys(group.targets).map((name) => [
        name,
        {
          backup: backup.stateMachine,
          doctor: doctor.stateMachine,
          restore: restore.stateMachine,
          cancelRestore: cancel.stateMachine,
        },
      ]),
    ),
  );
