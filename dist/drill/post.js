import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{runPost}from"../chunks/chunk-DIFKMM4X.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-CB4Y2EZR.js"));
