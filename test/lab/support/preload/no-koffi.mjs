// Loaded into the program before its own code: as where the package that calls the C library came without its binary.
import Module from 'node:module';

const load = Module._load;
/** @param {string} name @param {...unknown} rest */
Module._load = function withoutKoffi(name, ...rest) {
  if (name === 'koffi') throw new Error('Cannot find the native Koffi module; did you bundle it correctly?');
  return load.call(this, name, ...rest);
};
