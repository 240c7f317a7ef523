import { describe, expect, it } from 'vitest';
import { findForeignForm } from '../../src/mcp/body-form.ts';

describe('the form of a body', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ;\tcharset="utf-8" ; x=y',
    'application/json; charset=utf8',
    'application/json; profile="a;b"',
    'text/plain',
    '',
  ])('is JSON in UTF-8, or nothing that says otherwise: %j', (type) => {
    expect(findForeignForm('content-type', type)).toBeUndefined();
  });

  it.each([
    'application/json; charset=utf-7',
    'application/json; CHARSET=UTF-7',
    'application/json; charset=utf-7-imap',
    'application/json; charset=utf-16',
    'application/json; charset=utf-16le',
    'application/json; charset=shift_jis',
    'application/json; charset=iso-8859-1',
    'application/json; charset="utf-7"',
    "application/json; charset='utf-8'",
    'application/json; charset="utf\\-8"',
    'application/json; charset =utf-7',
    'application/json; charset= utf-7',
    'application/json; charset=',
    'application/json; charset',
    'application/json; charset=utf-8,utf-7',
    'application/json; charset=utf-8; charset=utf-7',
    'application/json; charset=utf-7; charset=utf-8',
    'application/json; x=";charset=utf-8"; charset=utf-7',
    'application/json; x="charset=utf-7"',
    "application/json; charset*=us-ascii''utf-7",
    'application/json; charset*0=utf; charset*1=-7',
    'application/json charset=utf-7',
    'application/json, application/json; charset=utf-7',
    'charset=utf-7',
  ])('charset-smuggling: is not, or not for everyone: %j', (type) => {
    expect(findForeignForm('content-type', type)).toBe('type');
  });

  it.each([
    'application/x-www-form-urlencoded',
    'Application/X-WWW-Form-Urlencoded; charset=utf-8',
    'application/x-www-form-urlencoded; application/json',
    'application/json, application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/mixed; boundary=application/json',
  ])('form-smuggling: is a form: %j', (type) => {
    expect(findForeignForm('content-type', type)).toBe('type');
  });

  it('is not coded', () => {
    expect(findForeignForm('content-encoding', 'Identity')).toBeUndefined();
    for (const coding of ['gzip', 'identity, gzip', 'deflate', 'br', 'utf-8', ''])
      expect(findForeignForm('content-encoding', coding)).toBe('coding');
  });

  it('depends on these fields alone', () => {
    expect(findForeignForm('x-content-type', 'application/json; charset=utf-7')).toBeUndefined();
  });
});
