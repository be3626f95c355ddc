import { buildPushPost } from '../runner/build-push/job.ts';

await buildPushPost(process.env);
