import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as t}from"../chunks/chunk-7MZXCEU7.js";import"../chunks/chunk-RENNS67Q.js";import"../chunks/chunk-25VSHXJC.js";import"../chunks/chunk-NDFXD5LQ.js";import"../chunks/chunk-XKZQKETK.js";import"../chunks/chunk-OGMRUO5Y.js";import"../chunks/chunk-VOSC5CKJ.js";await t(process.env);
