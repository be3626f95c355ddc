import { presence } from '../../lab/cluster/status.ts';
import { chart, image, inPlace } from '../e2e/cluster/helm.ts';
import { spread } from './start.ts';

const PAIRS = 5;

/** A service of three pods, each of which has to stand for some seconds: a rollout of the ordinary kind, if a fast one. */
const service = `image=${image},replicas=3,minReadySeconds=8`;

/** Milliseconds of a deploy by the built action, main and post, over those of `helm upgrade --wait` for the same change. */
export async function benchHelm(print: (line: string) => void): Promise<void> {
  if ((await presence()) !== 'cluster') return print('needs the cluster: npm run lab -- up');
  await inPlace(async ({ deploy, helm, release }) => {
    await helm('install', release, chart, '--set', service, '--wait');
    let changes = 0;
    const timed = async (act: (set: string) => Promise<unknown>) => {
      changes += 1;
      const begun = performance.now();
      await act(`${service},colour=c${changes}`);
      return performance.now() - begun;
    };
    const byHelm = () => timed((set) => helm('upgrade', release, chart, '--set', set, '--wait'));
    const bySluice = () =>
      timed(async (set) => {
        const { outputs } = await deploy({ set });
        if (outputs.verdict !== 'deployed') throw new Error(outputs.reason);
      });
    const pairs: { helm: number; sluice: number }[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      // What goes first is taken in turns.
      const first = pair % 2 === 0 ? await byHelm() : await bySluice();
      const second = pair % 2 === 0 ? await bySluice() : await byHelm();
      pairs.push(pair % 2 === 0 ? { helm: first, sluice: second } : { helm: second, sluice: first });
    }
    const shares = pairs.map((pair) => pair.sluice / pair.helm).toSorted((a, b) => a - b);
    print(`helm upgrade --wait:       ${spread(pairs.map((pair) => pair.helm))}`);
    print(`actions/helm-deploy:       ${spread(pairs.map((pair) => pair.sluice))}`);
    print(`over helm, paired:         ${spread(pairs.map((pair) => pair.sluice - pair.helm))}`);
    print(`share, paired, median:     ${shares[Math.floor(shares.length / 2)]?.toFixed(3)}   (aim: below 1.05)`);
    const unchanged = await timed(async () => {
      const { outputs } = await deploy({ set: `${service},colour=c${changes - 1}` });
      if (outputs.verdict !== 'unchanged') throw new Error(`expected nothing to change, but it is ${outputs.verdict}`);
    });
    print(`a deploy of no change:     ${unchanged.toFixed(0)} ms`);
  });
}
