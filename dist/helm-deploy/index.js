import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import{action}from"../chunks/chunk-OJTR6M4T.js";import"../chunks/chunk-FWRYLF3Q.js";import"../chunks/chunk-WRWSS3TE.js";import"../chunks/chunk-QHLPMJXN.js";import"../chunks/chunk-SMYBC7B7.js";import"../chunks/chunk-6G5SCAGC.js";import"../chunks/chunk-5UO3AYCM.js";import"../chunks/chunk-3Y5CDWZC.js";import"../chunks/chunk-MR2QIEYE.js";import"../chunks/chunk-S4DEFMS7.js";await run(action,"main",process.env);
