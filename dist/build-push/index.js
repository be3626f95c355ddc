import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as i}from"../chunks/chunk-J4KDVBXS.js";import"../chunks/chunk-7Q4M3R2D.js";import"../chunks/chunk-GVEMZAWZ.js";import"../chunks/chunk-ZX5EVEJT.js";import"../chunks/chunk-K2PLF4GD.js";import"../chunks/chunk-YDXJO6W7.js";import"../chunks/chunk-VOSC5CKJ.js";await i(process.env);
