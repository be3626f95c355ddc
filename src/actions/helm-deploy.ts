import { helmMain } from '../runner/helm/job.ts';

await helmMain(process.env);
