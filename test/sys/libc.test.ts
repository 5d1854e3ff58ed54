import assert from 'node:assert/strict';
import koffi from 'koffi';
import { checked, glibcVersion, libc, unsupportedPlatform } from '../../src/sys/libc.js';
import { SystemError } from '../../src/sys/errors.js';

describe('libc', () => {
  it('turns a failed call into an error with its errno', () => {
    assert.throws(
      () => checked('open a socket', libc().socket(-1, 0, 0)),
      (error) => error instanceof SystemError && error.code === 'EAFNOSUPPORT' && error.op === 'open a socket',
    );
  });

  it('passes results through', () => {
    assert.equal(checked('anything', 3), 3);
    assert.equal(checked('anything', 0), 0);
  });

  it('names what it needs where it cannot run', () => {
    assert.equal(unsupportedPlatform('linux', 'x64', 'LE'), undefined);
    assert.equal(unsupportedPlatform('linux', 'arm64', 'LE'), undefined);
    assert.match(unsupportedPlatform('darwin', 'arm64', 'LE') ?? '', /needs Linux, this is darwin/);
    assert.match(
      unsupportedPlatform('linux', 'arm', 'LE') ?? '',
      /needs an x86-64 or arm64 machine, this is arm \(LE\)/,
    );
    for (const architecture of ['riscv64', 'loong64', 'ppc64', 'ia32']) {
      assert.match(unsupportedPlatform('linux', architecture, 'LE') ?? '', /x86-64 or arm64/);
    }
    assert.match(unsupportedPlatform('linux', 's390x', 'BE') ?? '', /x86-64 or arm64 machine, this is s390x \(BE\)/);
  });

  it('tells glibc from other C libraries by what only glibc has', () => {
    assert.match(glibcVersion(koffi.load(null)) ?? '', /^2\.\d+$/);
    const other = {
      func: () => {
        throw new Error("Cannot find function 'gnu_get_libc_version' in shared library");
      },
    };
    assert.equal(glibcVersion(other), undefined);
  });
});
