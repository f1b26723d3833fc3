import Glibc
import MMCore
import MMIdentity
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("What a session's sign-in rests on", .timeLimit(.minutes(10)))
struct SignInBasisTests {
    private let home = JobHome()
    private let tenant = "11111111-2222-3333-4444-555555555555"

    private func write(_ entries: JSONObject) throws {
        try ProtectedFile.replace(
            home.path + "/connections.json", with: JSONWriter.bytes(.object(["connections": .object(entries)])))
    }

    /// The sessions of this home, on the stand-in.
    private func pool(_ words: [String] = []) throws -> SessionPool<ModuleSessionFactory> {
        let services = home.services
        var environment = services.environment
        environment["XDG_RUNTIME_DIR"] = "/tmp"
        environment["MM_PWSH"] = ([try BuiltPrograms.path("mm-sandbox"), "pwsh"] + words).joined(separator: " ")
        return SessionPool(
            factory: ModuleSessionFactory(
                environment: environment, paths: services.paths, registry: services.registry,
                identity: services.identity, guards: CurrentGuard(environment: environment),
                sent: SentRequests(audit: AuditLog(path: services.paths.auditLog), log: .off),
                variables: SessionVariables(), log: .off))
    }

    private func pins() -> PinStore { PinStore(path: home.services.paths.pinFile) }

    @Test("whoever signs in to a module first is who the connection is pinned to")
    func pinned() async throws {
        Signals.ignoreBrokenPipes()
        try write(["C": ["tenant": "contoso.example"], "D": ["tenant": "contoso.example"]])
        let first = try pool()
        _ = try await first.connect(SessionKey(connection: "C", module: "azure"), onPrompt: { _ in })
        let pin = try #require(try pins().pin(of: "C"))
        #expect(pin.tenantId == tenant && pin.username == "admin@contoso.example")
        #expect(try pins().pin(of: "D") == nil)
        await first.close()

        let second = try pool(["--account", "other@contoso.example"])
        let error = await #expect(throws: MMError.self) {
            try await second.connect(SessionKey(connection: "C", module: "azure"), onPrompt: { _ in })
        }
        #expect(error?.code == .forbidden, "\(error.map { "\($0)" } ?? "")")
        #expect(try pins().pin(of: "C") == pin)
        await second.close()
    }

    @Test(
        "a session is ended when its connection is removed, renamed or signs in by other means, and stays for other edits",
        arguments: [
            (["C": ["tenant": "other.example"]], false), ([:], false), (["B": ["tenant": "contoso.example"]], false),
            (["C": ["tenant": "contoso.example", "expectedEmail": "someone@contoso.example"]], false),
            (["C": ["tenant": "contoso.example", "guard": "readonly"]], false),
            (["C": ["tenant": "contoso.example", "description": "new", "tags": ["a"]]], true),
        ] as [(JSONObject, Bool)])
    func edited(entries: JSONObject, stays: Bool) async throws {
        Signals.ignoreBrokenPipes()
        try write(["C": ["tenant": "contoso.example"]])
        let pool = try pool()
        let key = SessionKey(connection: "C", module: "azure")
        _ = try await pool.connect(key, onPrompt: { _ in })
        try write(entries)
        await pool.runMaintenancePass()
        let word = await pool.state(of: key)?.word
        #expect(word == (stays ? "ready" : "lost"))
        await pool.close()
    }

    @Test(
        "a SharePoint host that becomes known later ends the sessions of the module that signs in there, and no others",
        arguments: [("pnp", false), ("exo", true), ("azure", true)])
    func givenHost(module: String, stays: Bool) async throws {
        try write(["C": ["tenant": "contoso.example"], "D": ["tenant": "d.example"]])
        let (registry, paths) = (home.services.registry, home.services.paths)
        let basis = try SignInBasis(
            of: "C", module: module, in: try registry.snapshot(), registry: registry, paths: paths)
        registry.give(sharePointHost: "other", to: "D", isLast: true)
        #expect(await basis.isValid(fedBy: nil))
        registry.give(sharePointHost: "contososp", to: "C", isLast: true)
        #expect(await basis.isValid(fedBy: nil) == stays)
    }

    @Test("sessions stay while the registry's file is away, as when an editor replaces it")
    func absentFile() async throws {
        try write(["C": ["tenant": "contoso.example"]])
        let (registry, paths) = (home.services.registry, home.services.paths)
        let basis = try SignInBasis(
            of: "C", module: "azure", in: try registry.snapshot(), registry: registry, paths: paths)
        let file = home.path + "/connections.json"
        #expect(rename(file, file + "~") == 0)
        #expect(await basis.isValid(fedBy: nil))
        try write(["C": ["tenant": "other.example"]])
        #expect(await !basis.isValid(fedBy: nil))
    }
}
