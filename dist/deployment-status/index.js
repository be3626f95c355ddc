import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import{action}from"../chunks/chunk-JACKZVWS.js";import"../chunks/chunk-X2FEK5XM.js";import"../chunks/chunk-TFP4LL3C.js";import"../chunks/chunk-BW4PJQEW.js";import"../chunks/chunk-S4DEFMS7.js";await run(action,"main",process.env);
