import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{runPost}from"../chunks/chunk-LECLSCEW.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-C4MI5S46.js"));
