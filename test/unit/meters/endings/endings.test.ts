import { describe, expect, it } from 'vitest';
import {
  endingOf,
  endingOfClass,
  endingOfErrorType,
  endingOfFlags,
  endingOfGrpc,
  endingOfStatus,
} from '../../../../src/meters/endings/endings.ts';

describe('a status', () => {
  it.each([
    ['answered', ['200', '200.0', '2e2', '101', '304', '2xx', '2XX', '2**', '200 OK', 'HTTP_200', 'HTTP/1.1 200 OK']],
    ['answered', ['status_204', 'OK', 'ok', 'success', 'SUCCESSFUL', 'Completed', 'REDIRECTION', 'No Content']],
    [
      'rejected',
      ['404', '4xx', '404 Not Found', 'HTTP_429', 'CLIENT_ERROR', 'client_error', 'NotFound', 'bad_request'],
    ],
    ['failed', ['500', '503.0', '5xx', '5XX', 'HTTP_500', 'http 502', '500 Internal Server Error', '599']],
    [
      'failed',
      ['error', 'ERROR', 'failure', 'failed', 'SERVER_ERROR', 'ServerError', 'Internal', 'service_unavailable'],
    ],
    [
      'unanswered',
      ['0', '000', '-1', '499', '408', '444', 'UNKNOWN', 'timeout', 'cancelled', 'CANCELED', '408 Request Timeout'],
    ],
  ])('is %s: %j', (ending, values) => {
    for (const value of values) expect(endingOfStatus(value), value).toBe(ending);
  });

  it.each(['', '-', '2', '99', '600', '2000', 'order_200', 'v200', 'declined', 'hit', 'true', '20x'])(
    'is not told by %j',
    (value) => expect(endingOfStatus(value)).toBeUndefined(),
  );

  it('may be a class of one digit where Envoy writes it so', () => {
    expect(['2', '4', '5', '5xx', '9'].map(endingOfClass)).toEqual([
      'answered',
      'rejected',
      'failed',
      'failed',
      undefined,
    ]);
  });
});

describe('a gRPC status', () => {
  it.each([
    ['answered', ['0', 'OK', 'Ok', 'StatusCode.OK']],
    ['rejected', ['3', '5', '16', 'NotFound', 'INVALID_ARGUMENT', 'StatusCode.UNAUTHENTICATED']],
    ['failed', ['2', '4', '13', '14', 'Internal', 'UNAVAILABLE', 'DeadlineExceeded', 'Unknown', 'DATA_LOSS']],
    ['unanswered', ['1', 'Canceled', 'CANCELLED']],
    [undefined, ['', '17', '200', 'odd']],
  ])('is %s: %j', (ending, values) => {
    for (const value of values) expect(endingOfGrpc(value), value).toBe(ending);
  });
});

it('flags of Envoy tell a stream that broke off', () => {
  expect(['-', 'DC', 'UC,URX', 'NR', 'SI', ''].map(endingOfFlags)).toEqual([
    undefined,
    'unanswered',
    'unanswered',
    undefined,
    'unanswered',
    undefined,
  ]);
});

it('an error type is a status or what was thrown', () => {
  expect(['', '500', 'java.io.IOException', 'context.Canceled', 'ClientDisconnected'].map(endingOfErrorType)).toEqual([
    undefined,
    'failed',
    'failed',
    'unanswered',
    'unanswered',
  ]);
});

describe('labels together', () => {
  const told = ['status', 'code', 'outcome'].map((label) => ({ label, read: endingOfStatus }));

  it.each([
    ['the worst of them', { status: '200', outcome: 'UNKNOWN' }, 'unanswered'],
    ['the only one that tells', { status: 'shipped', code: '503' }, 'failed'],
    ['a 4xx rather than a word', { code: '404', status: 'error' }, 'rejected'],
    ['a word where the number is fine', { code: '200', status: 'error' }, 'failed'],
    ['a 5xx beside a 4xx', { code: '404', status: '500' }, 'failed'],
    ['nothing', { status: 'shipped' }, undefined],
  ])('tell %s', (_, labels, ending) => {
    expect(endingOf(labels, told)).toBe(ending);
  });

  it('tell by their absence, where nothing else does', () => {
    const absent = [
      { label: 'status', read: endingOfStatus, absent: 'unanswered' as const },
      { label: 'error_type', read: endingOfErrorType },
    ];
    expect(endingOf({}, absent)).toBe('unanswered');
    expect(endingOf({ error_type: 'Exception' }, absent)).toBe('failed');
    expect(endingOf({ status: 'odd' }, absent)).toBeUndefined();
  });
});
