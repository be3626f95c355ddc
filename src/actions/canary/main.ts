import { canaryMain } from './job.ts';

await canaryMain(process.env);
