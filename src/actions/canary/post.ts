import { isLeft } from '../../runner/unfinished.ts';

if (isLeft(process.env)) {
  const { canaryPost } = await import('./job.ts');
  await canaryPost(process.env);
}
