import { isLeft } from '../../runner/unfinished.ts';

if (isLeft(process.env)) {
  const { kubectlPost } = await import('./job.ts');
  await kubectlPost(process.env);
}
