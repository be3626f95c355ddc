/**
 * Lets Sloth make rules.yaml of objectives.yaml, for those who have not built it:
 *   node test/oracle/sloth/generate.ts
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { goProgram } from '../../../lab/programs/program.ts';
import { versions } from '../../../lab/programs/versions.ts';

const module = 'github.com/slok/sloth';
const sloth = goProgram('sloth', {
  module,
  version: versions.sloth,
  package: `${module}/cmd/sloth`,
  ldflags: `-X ${module}/internal/info.Version=${versions.sloth}`,
});

/** Milliseconds: building it takes minutes. */
const signal = AbortSignal.timeout(1_800_000);
await sloth.build(signal);
const input = join(import.meta.dirname, 'objectives.yaml');
const output = join(import.meta.dirname, 'rules.yaml');
await execa(sloth.path, ['generate', '--no-log', '--input', input, '--out', output], { cancelSignal: signal });
