import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import{action}from"../chunks/chunk-KFNMEPWT.js";import"../chunks/chunk-FWRYLF3Q.js";import"../chunks/chunk-SMYBC7B7.js";import"../chunks/chunk-O54Q6NNK.js";import"../chunks/chunk-6G5SCAGC.js";import"../chunks/chunk-5UO3AYCM.js";import"../chunks/chunk-3Y5CDWZC.js";import"../chunks/chunk-QOT6SNQH.js";import"../chunks/chunk-S4DEFMS7.js";await run(action,"main",process.env);
