import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{runPost}from"../chunks/chunk-MSZ4UKCD.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-ZN7BNAGR.js"));
