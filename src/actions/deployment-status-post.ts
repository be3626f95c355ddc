import { deploymentStatusPost } from '../runner/deployment-status-job.ts';

await deploymentStatusPost(process.env);
