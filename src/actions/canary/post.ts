import { isLeft } from '../../runner/left.ts';

if (isLeft(process.env)) {
  const { canaryPost } = await import('./job.ts');
  await canaryPost(process.env);
}
