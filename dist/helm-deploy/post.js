import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{runPost}from"../chunks/chunk-Z3C33H3O.js";import"../chunks/chunk-S4DEFMS7.js";await runPost(process.env,()=>import("../chunks/action-GBV7OD24.js"));
