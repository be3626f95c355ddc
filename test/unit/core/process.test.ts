import { describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/core/process.ts';

const node = (script: string) => ({ file: process.execPath, args: ['-e', script] });
const never = new AbortController().signal;

describe('run', () => {
  it('gives the exit status and both outputs, and tells lines as they come', async () => {
    const lines: string[] = [];
    const ended = await run(node('console.log("a b"); console.error("c"); process.exitCode = 3'), {
      signal: never,
      deadline: 10_000,
      onLine: (line) => lines.push(line),
    });
    expect(ended).toEqual({ exitCode: 3, stdout: 'a b', stderr: 'c' });
    expect(lines.toSorted()).toEqual(['a b', 'c']);
  });

  it('gives it its input and environment, and no shell', async () => {
    const program = {
      ...node('process.stdin.on("data", (text) => console.log(text + process.env.WHO + " $HOME"))'),
      env: { WHO: 'me' },
    };
    const { stdout } = await run({ ...program, input: 'for' }, { signal: never, deadline: 10_000 });
    expect(stdout).toBe('forme $HOME');
  });

  it('gives it neither inputs nor state of the action, nor tokens of the job that it does not need', async () => {
    const job = {
      INPUT_KUBECONFIG: 'planted-input',
      'INPUT_PROMETHEUS-TOKEN': 'planted-input',
      STATE_sluice: 'planted-state',
      ACTIONS_RUNTIME_TOKEN: 'planted-runtime',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'planted-identity',
      GITHUB_TOKEN: 'planted-github',
      SLUICE_KEPT: 'kept',
    };
    for (const [name, value] of Object.entries(job)) vi.stubEnv(name, value);
    const { stdout } = await run(node('console.log(JSON.stringify(process.env))'), {
      signal: never,
      deadline: 10_000,
    });
    vi.unstubAllEnvs();
    expect(stdout).toContain('"SLUICE_KEPT":"kept"');
    expect(stdout).not.toContain('planted');
  });

  it('ends a program at its deadline, also one that does not want to', async () => {
    const stubborn = node('process.on("SIGTERM", () => {}); setInterval(() => {}, 1_000); console.log("here")');
    await expect(run(stubborn, { signal: never, deadline: 300, grace: 100 })).rejects.toMatchObject({
      code: 'timed-out',
      problem: 'had not ended after 0.3 s.',
    });
  });

  it('ends it with the signal, whose reason is what is thrown', async () => {
    const stop = new AbortController();
    const running = run(node('setInterval(() => {}, 1_000); console.log("here")'), {
      signal: stop.signal,
      deadline: 10_000,
      onLine: () => stop.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
  });

  it('names a program that is not there', async () => {
    await expect(run({ file: 'no-such-program', args: [] }, { signal: never, deadline: 1_000 })).rejects.toMatchObject({
      code: 'not-found',
      about: 'no-such-program',
    });
  });
});
