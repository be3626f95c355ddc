import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeContext, prepare, startBuild, startBuildKit, startRegistry } from '../e2e/images/lab.ts';
import { spread } from './start.ts';

const RUNS = 15;
/** Files of the context, 10 kB each. */
const SIZES = [1, 2_000];

/** Milliseconds that `dist/build-push` takes for an image whose content is in the registry, from its start to its end. */
export async function benchUnchangedBuild(print: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    print('left out: BuildKit needs Linux and root');
    return;
  }
  await prepare();
  const [registry, buildkit] = await Promise.all([startRegistry(), startBuildKit()]);
  const secret = 'the secret of this benchmark';
  const common = {
    sbom: 'false',
    'reuse-secret': secret,
    'buildkit-address': buildkit.address,
    tags: 'semver, sha',
    version: '1.2.3',
  };
  const folders: string[] = [];
  try {
    const base = await makeContext('FROM scratch\nCOPY tool /\n');
    folders.push(base);
    await timed({ ...common, context: base, image: `${registry.host}/bench/base` });
    for (const files of SIZES) {
      const context = await makeContext(`FROM ${registry.host}/bench/base\nCOPY . /\n`);
      folders.push(context);
      await mkdir(join(context, 'files'));
      const content = 'x'.repeat(10_000);
      for (let file = 0; file < files; file++) await writeFile(join(context, 'files', `${file}`), `${content}${file}`);
      const inputs = { ...common, context, image: `${registry.host}/bench/image-${files}` };
      const built = await timed(inputs);
      const skipped: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const { milliseconds, ended } = await timed(inputs);
        if (ended.outputs.skipped !== 'true') throw new Error(`was not skipped:\n${ended.log}`);
        skipped.push(milliseconds);
      }
      const build = built.milliseconds.toFixed(0);
      print(`${files} files: unchanged ${spread(skipped)}, the first build ${build} ms   (aim: below 2,000 ms)`);
    }
  } finally {
    await Promise.all([registry.stop(), buildkit.stop()]);
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

async function timed(inputs: Readonly<Record<string, string>>) {
  const begun = performance.now();
  const run = await startBuild(inputs);
  await once(run.main, 'exit');
  const milliseconds = performance.now() - begun;
  const ended = await run.ended;
  await run.clean();
  if (ended.status !== 0) throw new Error(ended.log);
  return { milliseconds, ended };
}
