import { ApiServer, describeWithApiServer } from './api-server';

describeWithApiServer('the API server of the tests', () => {
  let server: ApiServer;
  beforeAll(async () => (server = await ApiServer.start()), 90_000);
  afterAll(() => server.stop());

  it('serves the Longhorn kinds', async () => {
    const { resources } = (await server.read('/apis/longhorn.io/v1beta2')) as {
      resources: { kind: string }[];
    };
    const kinds = resources.map((resource) => resource.kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['Volume', 'Backup', 'BackupTarget', 'RecurringJob', 'Setting', 'Snapshot']),
    );
  });

  it('knows a service account by its token and grants it nothing by itself', async () => {
    await server.create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'nobody' } });
    const token = await server.serviceAccountToken('default', 'nobody');
    const { status, body } = await server.request('GET', '/api/v1/namespaces/default/pods', { token });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      message: expect.stringContaining('User "system:serviceaccount:default:nobody"') as string,
    });
  });
});
