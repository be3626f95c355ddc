import { isUnfinished } from '../../runner/unfinished.ts';

if (isUnfinished(process.env)) {
  const { kubectlPost } = await import('./job.ts');
  await kubectlPost(process.env);
}
