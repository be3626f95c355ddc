import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as o}from"../chunks/chunk-DQUC4A3M.js";import"../chunks/chunk-5SX77LJW.js";import"../chunks/chunk-7HD7BCVW.js";import"../chunks/chunk-QGAYDDY4.js";import"../chunks/chunk-VOSC5CKJ.js";await o(process.env);
