import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import{action}from"../chunks/chunk-TPIE45MN.js";import"../chunks/chunk-R2TBUIMZ.js";import"../chunks/chunk-3Y5CDWZC.js";import"../chunks/chunk-S4DEFMS7.js";await run(action,"main",process.env);
