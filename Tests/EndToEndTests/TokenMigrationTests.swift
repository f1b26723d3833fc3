import Glibc
import MMCore
import MMSystem
import Testing

@Suite("Changing the form of a token cache", .timeLimit(.minutes(15)))
struct TokenMigrationTests {
    @Test(
        "the cache is intact in one of the forms wherever kill -9 hits, and no plain copy is left",
        arguments: [true, false])
    func killed(toEncrypted: Bool) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let key = tenant.home.path + "/key"
        try ProtectedFile.replace(key, with: Array("0123456789abcdef0123456789abcdef".utf8))
        let cache = tenant.home.path + "/.mm-graph-tokens/Demo.json"
        let secrets = TokenSecrets.of(
            try JSONParser.parse(try #require(try ProtectedFile.read(cache))))
        let (sealed, plain) = (["MM_TOKEN_KEY_FILE": key], ["MM_TOKEN_KEY_FILE": key, "MM_TOKEN_ENCRYPTION": "off"])
        let wanted = toEncrypted ? sealed : plain
        let ask = ["graph", "Demo", "/me", "--json", "--embedded"]
        let clock = ContinuousClock()
        for round in 0..<25 {
            // Start from the other form again.
            #expect(try await tenant.mm(ask, extra: toEncrypted ? plain : sealed).code == 0)
            let begun = clock.now
            if round == 0 {
                #expect(try await tenant.mm(ask, extra: wanted).code == 0)
                continue
            }
            var command = ChildCommand(
                Programs.mm, ask, environment: tenant.home.environment.merging(wanted) { $1 })
            (command.output, command.error) = (.null, .null)
            let child = try await ChildProcess.start(command)
            // Each round kills a little later, until the call completes.
            while child.exited == nil, clock.now - begun < .microseconds(600 * round) { await Task.yield() }
            child.signalGroup(SIGKILL)
            _ = await child.exit()
            let text = String(decoding: try #require(try ProtectedFile.read(cache)), as: UTF8.self)
            let isPlain = secrets.allSatisfy { text.contains($0) }
            let isSealed = text.hasPrefix("mm encrypted tokens 1\n") && !secrets.contains { text.contains($0) }
            #expect(isPlain || isSealed, "round \(round)")
        }
        #expect(try await tenant.mm(ask, extra: wanted).code == 0)
        guard toEncrypted else { return }
        for file in try tenant.home.files() where file.path.contains(".mm-graph-tokens") {
            let text = String(decoding: file.bytes, as: UTF8.self)
            #expect(!secrets.contains { text.contains($0) }, "\(file.path)")
        }
    }
}
