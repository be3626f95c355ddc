import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import{action}from"../chunks/chunk-ODWFNLOV.js";import"../chunks/chunk-FWRYLF3Q.js";import"../chunks/chunk-SMYBC7B7.js";import"../chunks/chunk-SPYH65DH.js";import"../chunks/chunk-2YJW2YZH.js";import"../chunks/chunk-5UO3AYCM.js";import"../chunks/chunk-3Y5CDWZC.js";import"../chunks/chunk-QOT6SNQH.js";import"../chunks/chunk-S4DEFMS7.js";await run(action,"main",process.env);
