import { runPost } from '../../runner/run-post.ts';

await runPost(process.env, () => import('./action.ts'));
