import type { Reporter, TestCase } from 'vitest/node';

/** Names the tests that passed only when they were repeated, with why they failed at first: each is to be looked into. */
export default class RepeatedTests implements Reporter {
  readonly #repeated: TestCase[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#repeated.push(test);
  }

  onTestRunEnd(): void {
    for (const test of this.#repeated) {
      console.log(`\nPassed only when it was repeated: ${test.fullName} (${test.module.relativeModuleId})`);
      for (const { message } of test.result().errors ?? []) console.log(message);
    }
  }
}
