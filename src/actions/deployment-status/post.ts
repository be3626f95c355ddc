import { deploymentStatusPost } from './job.ts';

await deploymentStatusPost(process.env);
