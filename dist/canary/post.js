import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{runPost}from"../chunks/chunk-K2G6QCXE.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-6VDI4A7K.js"));
