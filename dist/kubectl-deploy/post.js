import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-YQZJRZKR.js";import"../chunks/chunk-VOSC5CKJ.js";if(t(process.env)){let{kubectlPost:o}=await import("../chunks/job-62XSTYFW.js");await o(process.env)}
