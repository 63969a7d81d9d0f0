import { assessEndpoint, endpoint } from '../../../../../lib/cli/doctor/checks/endpoint';
import { healthyFacts } from '../../../../support/doctor-facts';

const services = [
  { metadata: { name: 's3-to-ftp', namespace: 'longhorn-system' }, spec: { ports: [{ port: 9000 }] } },
];

describe('the check of the endpoint', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(endpoint.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, string | undefined, string, RegExp]>([
    ['takes the short name', 'http://s3-to-ftp:9000', 'ok', /port 9000/],
    ['takes name and namespace', 'http://s3-to-ftp.longhorn-system:9000', 'ok', /leads to/],
    ['takes another cluster domain', 'http://s3-to-ftp.longhorn-system.svc.home.lan:9000', 'ok', /leads to/],
    ['finds that it is missing', undefined, 'problem', /Longhorn would talk to Amazon/],
    ['finds a missing scheme', 's3-to-ftp.longhorn-system.svc:9000', 'problem', /no URL with http/],
    [
      'finds a Service that does not exist',
      'http://s3-to-ftps.longhorn-system.svc:9000',
      'problem',
      /no Service longhorn-system\/s3-to-ftps/,
    ],
    [
      'finds a Service in another namespace',
      'http://s3-to-ftp.default.svc:9000',
      'problem',
      /no Service default\/s3-to-ftp/,
    ],
    [
      'finds a port that the Service has not',
      'http://s3-to-ftp.longhorn-system.svc',
      'problem',
      /no port 80 \(it has 9000\)/,
    ],
    ['does not know a name outside the cluster', 'https://s3.example.com', 'unknown', /Accept-Encoding/],
    ['does not know an address', 'http://10.0.0.7:9000', 'unknown', /not a Service/],
  ])('%s', (_case, text, verdict, message) => {
    const finding = assessEndpoint('AWS_ENDPOINTS', text, services, 'longhorn-system');
    expect(finding.verdict).toBe(verdict);
    expect(finding.text).toMatch(message);
  });
});
