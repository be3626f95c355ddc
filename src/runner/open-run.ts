import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Annotate, CommonAction, Environment, Run, Step } from './define.ts';
import { type RunnerFacts, runnerFacts } from './github.ts';
import { readGiven } from './load-given.ts';
import { annotationText, oneLine } from './log-text.ts';
import { outputValue } from './outputs.ts';
import { createSecretKeeper, type Redact } from './redact.ts';
import { publishResults } from './results.ts';
import { runnerLog, runnerVoice } from './runner-log.ts';
import { environmentSecrets } from './secrets.ts';

/** How the runner starts a process of an action. */
export interface Launch {
  readonly step: Step;
  readonly env: Environment;
  /** Aborts when the job is cancelled. */
  readonly signal: AbortSignal;
}

/** Masks the secrets and reads the inputs. For wrong inputs, fails the job with the reason and returns undefined. */
export async function openRun<Inputs, Output extends string>(
  { secrets: secretsOf, read }: CommonAction<Inputs, Output>,
  launch: Launch,
): Promise<Run<Inputs, Output> | undefined> {
  const facts = runnerFacts(launch.env);
  const { mask, redact } = createSecretKeeper(runnerVoice(facts).mask);
  mask(environmentSecrets(launch.env));
  try {
    const loaded = readGiven(
      launch.env,
      (secret) => mask([secret]),
      secretsOf ?? (() => []),
      (given) => read(given, { ...launch, facts, mask }),
    );
    const inputs = await loaded.inputs;
    return { ...launch, inputs, facts, clock: systemClock, mask, ...voices(redact, facts) };
  } catch (problem) {
    voices(redact, facts).fail(messageOf(problem));
    return undefined;
  }
}

/** Everything by which a run writes to the runner, with the secrets removed. */
function voices<Output extends string>(
  redact: Redact,
  facts: RunnerFacts,
): Pick<Run<unknown, Output>, 'redact' | 'log' | 'annotate' | 'fail' | 'output' | 'summarize' | 'publish'> {
  const voice = runnerVoice(facts);
  const { notice, warning, error } = voice.annotate;
  const redacted =
    (annotate: Annotate): Annotate =>
    (message, properties) =>
      annotate(annotationText(redact(message)), properties && { title: oneLine(redact(properties.title)) });
  return {
    redact,
    log: runnerLog(redact),
    annotate: { notice: redacted(notice), warning: redacted(warning), error: redacted(error) },
    fail(message) {
      process.exitCode = 1;
      if (message !== undefined) error(annotationText(redact(message)));
    },
    output: (name, value) => voice.setOutput(name, outputValue(name, redact(value))),
    summarize: (markdown) => voice.summarize(redact(markdown)),
    publish: (results) => publishResults(results, redact, voice),
  };
}
