import { isLeft } from '../../runner/left.ts';

if (isLeft(process.env)) {
  const { kubectlPost } = await import('./job.ts');
  await kubectlPost(process.env);
}
