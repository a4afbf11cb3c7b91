import { describe, expect, test } from 'vitest'
import { gitLink, gitRef, hostOfGitLink, localGitLink, protocolOfGitLink } from '#contracts/git-link'
import { problemsOf } from '#contracts/problems'

const wrongWith = (link: unknown, schema: typeof gitLink = gitLink): string | undefined => {
  const { error } = schema.safeParse(link)
  return error && problemsOf(error.issues)
}

describe('a Git link', () => {
  test.each([
    ['https://github.com/ann/rover.git', 'github.com', 'https'],
    ['https://Git.Example.org:8443/~ann/rover/', 'git.example.org', 'https'],
    ['https://dev.azure.com/org/My%20Project/_git/rover', 'dev.azure.com', 'https'],
    ['ssh://git@gitlab.example.org:2222/group/sub/rover.git', 'gitlab.example.org', 'ssh'],
    ['ssh://git.example.org/rover', 'git.example.org', 'ssh'],
    ['git@github.com:ann/rover.git', 'github.com', 'ssh'],
    ['git@git.example.org:/srv/git/rover.git', 'git.example.org', 'ssh'],
    ['git@10.0.0.7:~ann/rover', '10.0.0.7', 'ssh'],
  ])('may be %s', (link, host, protocol) => {
    expect(wrongWith(link)).toBeUndefined()
    expect(hostOfGitLink(link)).toBe(host)
    expect(protocolOfGitLink(link)).toBe(protocol)
  })

  test.each([
    ['--upload-pack=touch /tmp/x', /spaces/],
    ['--upload-pack=touch', /no Git link; expected https:\/\/host\/path, ssh:\/\/user@host\/path or user@host:path/],
    ['ext::sh', /no Git link/],
    ['ext::sh%20-c%20id@host:path', /no Git link/],
    ['fd::17/foo', /no Git link/],
    [';rm', /no Git link/],
    ['$(id)@host:path', /no user/],
    ['', /no Git link/],
    ['file:///etc', /file:\/\/ is not spoken here/],
    ['/srv/git/rover', /no Git link/],
    ['../rover', /no Git link/],
    ['C:\\rover', /no Git link/],
    ['github.com:ann/rover', /no Git link/],
    ['http://github.com/ann/rover', /http:\/\/ is not spoken/],
    ['git://github.com/ann/rover', /git:\/\/ is not spoken/],
    ['HTTPS://github.com/ann/rover', /not spoken/],
    ['ext::https://github.com/ann/rover', /not spoken/],
    ['https://ann:secret@github.com/ann/rover', /no user and no password/],
    ['https://github.com@evil.example/ann/rover', /no user and no password/],
    ['https://github.com\\@evil.example/ann/rover', /no user and no password/],
    ['https://evil.example%2fgithub.com/ann/rover', /no host/],
    ['https://github.com/ann/rover?x=1', /query/],
    ['https://github.com/ann/rover#main', /name a branch beside it/],
    ['ssh://git:secret@github.com/ann/rover', /^a link holds no password; expected https/],
    ['ssh://-oProxyCommand=id/rover', /'-oProxyCommand=id' is no host/],
    ['ssh://-oProxyCommand@github.com/rover', /'-oProxyCommand' is no user/],
    ['ssh://git@-oProxyCommand=id/rover', /no host/],
    ['ssh://a@b@github.com/rover', /no user/],
    ['-oProxyCommand=id@github.com:rover', /no user/],
    ['git@-oProxyCommand:rover', /no host/],
    ['git@github.com:-rover', /may not begin with '-'/],
    ['git@github.com:', /names no repository/],
    ['https://github.com', /names no repository/],
    ['https://github.com/', /names no repository/],
    ['https://github.com./ann/rover', /no host/],
    ['https:///ann/rover', /no host/],
    ['https://github.com:0/ann/rover', /no port/],
    ['https://github.com:99999/ann/rover', /no port/],
    ['https://github.com/ann/../rover', /may not hold '\.\.'/],
    ['https://github.com/ann/%2e%2E/rover', /may not hold '%2e%2E'/],
    ['https://github.com/ann/a%2fb', /may not hold/],
    ['https://github.com/ann/a%00', /may not hold/],
    ['https://github.com/ann/a%0Ab', /may not hold/],
    ['https://github.com/ann/%zz', /may not hold/],
    ['https://github.com/ann/$(id)', /may not hold/],
    ["git@github.com:ann/'rover'", /may not hold/],
    ['https://github.com/ann//rover', /empty name/],
    ['https://github.com/ann/rover\n', /control characters/],
    ['https://github.com/ann/ro\u0000ver', /control characters/],
    ['https://github.com/ann/ro ver', /spaces/],
    [`https://github.com/${'a'.repeat(2_000)}`, /at most 2,000 characters; received 2019/],
    [7, /expected string/],
  ])('may not be %j', (link, why) => {
    expect(wrongWith(link)).toMatch(why)
  })

  test('of this machine is taken only by who asks for one', () => {
    expect(wrongWith('file:///srv/git/rover.git', localGitLink)).toBeUndefined()
    expect(protocolOfGitLink('file:///srv/git/rover.git')).toBe('file')
    for (const link of ['file://host/rover', 'file:///srv/../etc', '/srv/git', 'file:///', 'https://github.com/a/b'])
      expect(wrongWith(link, localGitLink)).toMatch(/expected file:\/\/\/path/)
  })

  test('that was not checked has no host', () => {
    expect(() => hostOfGitLink('--upload-pack=touch')).toThrow(/no Git link/)
  })
})

test.each(['main', 'v1.0', 'feature/lidar-2', 'fix#12', 'größe'])('a branch or tag may be %s', (ref) => {
  expect(gitRef.safeParse(ref).success).toBe(true)
})

test.each([
  ...['', '-b', '--upload-pack=x', 'a..b', 'a b', 'a~1', 'HEAD^', 'a:b', 'a?', 'a*', '[a', 'a\\b', 'a@{1}', '@'],
  ...['/a', 'a/', 'a//b', 'a.', '.a', 'a/.b', 'a.lock', 'a.lock/b', 'a\nb', 'a\u007f', 'x'.repeat(201)],
])('a branch or tag may not be %j', (ref) => {
  expect(gitRef.safeParse(ref).success).toBe(false)
})
