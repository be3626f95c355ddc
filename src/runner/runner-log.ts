import { endGroup, error, info, notice, setOutput, setSecret, startGroup, summary, warning } from '@actions/core';
import type { Annotate } from './define.ts';
import type { RunnerFacts } from './github.ts';
import { type LogSink, withoutCommands } from './log-text.ts';
import type { Redact } from './redact.ts';

/** The log of the job, without secrets and without commands to the runner. */
export function runnerLog(redact: Redact): LogSink {
  const clean = (line: string) => withoutCommands(redact(line));
  return { info: (line) => info(clean(line)), startGroup: (title) => startGroup(clean(title)), endGroup };
}

/** What a run says to the runner beside its log. */
export interface RunnerVoice {
  mask(secret: string): void;
  readonly annotate: { readonly notice: Annotate; readonly warning: Annotate; readonly error: Annotate };
  setOutput(name: string, value: string): void;
  /** Adds Markdown to the summary of the job. */
  summarize(markdown: string): Promise<void>;
}

const onRunner: RunnerVoice = {
  mask: setSecret,
  annotate: { notice, warning, error },
  setOutput,
  async summarize(markdown) {
    await summary.addRaw(markdown).write();
  },
};

const plainly =
  (level: string): Annotate =>
  (message, properties) =>
    info(`${level}: ${properties === undefined ? '' : `${properties.title}: `}${message}`);

/** In another CI system: lines that a person reads, and no command. Secrets are only taken out of what is written. */
const elsewhere: RunnerVoice = {
  mask: () => undefined,
  annotate: { notice: plainly('notice'), warning: plainly('warning'), error: plainly('error') },
  setOutput: (name, value) => info(`${name}=${value}`),
  summarize: async () => undefined,
};

/** How a run speaks where it runs. */
export function runnerVoice(facts: Pick<RunnerFacts, 'onRunner'>): RunnerVoice {
  return facts.onRunner ? onRunner : elsewhere;
}
