import { helmMain } from './job.ts';

await helmMain(process.env);
