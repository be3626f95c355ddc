import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as i}from"../chunks/chunk-QJQNDJMO.js";import"../chunks/chunk-3ZIAZLBY.js";import"../chunks/chunk-VOSC5CKJ.js";await i(process.env);
