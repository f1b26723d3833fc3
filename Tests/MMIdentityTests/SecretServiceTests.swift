import CTestBus
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite(
    "Token caches encrypted with a key of the Secret Service", .timeLimit(.minutes(5)),
    .enabled(if: PrivateBus.isThere, "no dbus-daemon"))
struct SecretServiceTests {
    private let home: TestHome
    private let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(_ bus: PrivateBus?, key: String = "secret-service", off: Bool = false) -> IdentityService {
        var environment = ["MM_TOKEN_KEY": key]
        environment["DBUS_SESSION_BUS_ADDRESS"] = bus?.address
        if off { environment["MM_TOKEN_ENCRYPTION"] = "off" }
        return IdentityService(
            paths: home.paths, environment: environment,
            transport: ScriptedTransport { _, _ in HTTPResponse(status: 599) }, clock: clock.wall
        ) { _ in }
    }

    private func text() throws -> String {
        String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
    }

    private func token(_ service: IdentityService) async throws -> String {
        try await service.token(for: try Contoso.connection()).secret.reveal()
    }

    @Test("the first process creates the key, the others find it, and disabling it writes plain files again")
    func made() async throws {
        let bus = try await PrivateBus(in: home.path)
        let secrets = try FakeSecrets(on: bus)
        let before = try home.object("Contoso.json")
        #expect(try await token(service(bus)) == "FAKE-graph-access-token")
        #expect(try !text().contains("FAKE-"))
        #expect(try await token(service(bus)) == "FAKE-graph-access-token")
        #expect(secrets.made == 1)
        #expect(try await token(service(bus, off: true)) == "FAKE-graph-access-token")
        #expect(try home.object("Contoso.json") == before)
        #expect(secrets.made == 1)
    }

    @Test("processes that start at once create one key")
    func together() async throws {
        let bus = try await PrivateBus(in: home.path)
        let secrets = try FakeSecrets(on: bus)
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                let service = service(bus)
                group.addTask { try await service.token(for: try Contoso.connection()).secret.reveal() }
            }
            for try await token in group { #expect(token == "FAKE-graph-access-token") }
        }
        #expect(secrets.made == 1)
    }

    @Test("a locked keyring asks its person once per call, is reported with its remedy, and nothing is changed")
    func locked() async throws {
        let bus = try await PrivateBus(in: home.path)
        let secrets = try FakeSecrets(on: bus)
        _ = try await token(service(bus))
        let sealed = try text()
        secrets.become(MM_TEST_SECRETS_LOCKED)
        let connection = try Contoso.connection()
        // The answer counts for a moment: on a busy machine the second step may come later, and asks again.
        for attempt in 1...20 {
            let (locked, before) = (service(bus), secrets.prompts)
            guard case .unusable(let seen) = await locked.state(of: connection, resource: .graph) else {
                Issue.record("the key was found")
                return
            }
            let error = await #expect(throws: MMError.self) { try await token(locked) }
            let (message, hint) = (error?.message ?? "", error?.hint ?? "")
            #expect(message == seen.message && message.contains("locked"), "\(message) \(seen.message)")
            #expect(hint.contains("Unlock") && hint.contains("If the key is lost for good"), "\(hint)")
            let asked = secrets.prompts - before
            if asked > 1, attempt < 20 { continue }
            #expect(asked == 1)
            break
        }
        #expect(try text() == sealed)
        secrets.become(MM_TEST_SECRETS_OPEN)
        #expect(try await token(service(bus)) == "FAKE-graph-access-token")
    }

    @Test("a person answers the prompts of a service that asks before it stores or gives a key")
    func asking() async throws {
        let bus = try await PrivateBus(in: home.path)
        let secrets = try FakeSecrets(on: bus)
        secrets.become(MM_TEST_SECRETS_ASKING)
        #expect(try await token(service(bus)) == "FAKE-graph-access-token")
        #expect(secrets.made == 1 && secrets.prompts == 1)
        #expect(try !text().contains("FAKE-"))
        #expect(try await token(service(bus)) == "FAKE-graph-access-token")
        #expect(secrets.made == 1 && secrets.prompts == 2)
    }

    @Test("a service without a collection is reported, and nothing is changed")
    func noCollection() async throws {
        let bus = try await PrivateBus(in: home.path)
        let secrets = try FakeSecrets(on: bus)
        secrets.become(MM_TEST_SECRETS_NONE)
        let before = try text()
        let error = await #expect(throws: MMError.self) { try await token(service(bus)) }
        let message = error?.message ?? ""
        #expect(message.contains("no default collection"), "\(message)")
        #expect(try text() == before && secrets.prompts == 0)
    }

    @Test(
        "without the service, without a bus and with an unknown value the error has the remedy",
        arguments: [
            (true, "secret-service", "Secret Service"), (false, "secret-service", "bus"), (true, "keyring", "keyring"),
        ])
    func missing(hasBus: Bool, key: String, reason: String) async throws {
        let bus = hasBus ? try await PrivateBus(in: home.path) : nil
        let before = try text()
        let error = await #expect(throws: MMError.self) { try await token(service(bus, key: key)) }
        let (message, hint) = (error?.message ?? "", error?.hint ?? "")
        #expect(message.contains(reason) && hint.contains("MM_TOKEN_KEY_FILE"), "\(message) \(hint)")
        #expect(try text() == before)
    }
}
