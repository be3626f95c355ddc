import { buildPushPost } from './job.ts';

await buildPushPost(process.env);
