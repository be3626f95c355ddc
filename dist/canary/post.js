import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{runPost}from"../chunks/chunk-IXH46C37.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-2J4J7YH7.js"));
