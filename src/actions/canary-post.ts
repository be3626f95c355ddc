import { isLeft } from '../runner/left.ts';

if (isLeft(process.env)) {
  const { canaryPost } = await import('../runner/canary-job.ts');
  await canaryPost(process.env);
}
