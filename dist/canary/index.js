import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"../chunks/chunk-56OJJQSF.js";import"../chunks/chunk-3ZIAZLBY.js";import"../chunks/chunk-VOSC5CKJ.js";await a(process.env);
