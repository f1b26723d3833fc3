import MMCore
import MMHTTP
import MMSandbox
import TestSupport
import Testing

@testable import MMOperations

/// A sandbox whose customers' tenants have a connection each, in which an app signs in by itself.
final class TenantsHome: Sendable {
    let home: TestHome
    let service: LocalOperationService
    let tenant: SandboxTenant
    let base: String
    let count: Int

    /// - Parameters:
    ///   - count: how many tenants there are: `T1` and so on, all with the tag `all`, every second one with `even`.
    ///   - policies: guards of connections that have one of their own, by number.
    init(_ count: Int, policies: [Int: String] = [:]) async throws {
        self.count = count
        var options = SandboxOptions()
        options.userCount = 10
        options.customerCount = count
        tenant = SandboxTenant(options: options)
        base = try await tenant.start()
        home = try TestHome()
        let secret = home.path + "/secret"
        try ProtectedFile.replace(secret, with: Array(TenantIdentity.automationSecret.utf8))
        var entries = JSONObject()
        for number in 1...count {
            let organization = SandboxOrganization.customer(number)
            var entry: JSONObject = [
                "cloud": "sandbox", "appId": .string(TenantIdentity.automationApp),
                "tenantId": .string(organization.id),
                "auth": ["method": "secret", "secretFile": .string(secret)],
                "tags": number % 2 == 0 ? ["all", "even"] : ["all"],
            ]
            entry["guard"] = policies[number].map { .string($0) }
            entries["T\(number)"] = .object(entry)
        }
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(.object(["connections": .object(entries)])))
        service = LocalOperationService(
            services: OperationServices(environment: home.environment.merging(["MM_SANDBOX_URL": base]) { $1 }))
    }

    func stop() async {
        await service.services.close()
        await tenant.stop()
    }

    func context(_ person: (any ConfirmingPerson)? = nil, within limit: Duration = .seconds(240)) -> CallContext {
        CallContext(
            caller: Caller(surface: .terminal, name: "test", server: nil), timeLimit: limit, sessionID: "session-1",
            person: person)
    }

    /// Switches a fault of a tenant on.
    func fault(_ number: Int, _ fault: JSONObject) async throws {
        let request = HTTPRequest(
            method: "POST", url: "\(base)/sandbox/faults?tenant=\(SandboxOrganization.customer(number).id)",
            headers: ["X-Sandbox-Secret": await tenant.controlSecret.reveal(), "Content-Type": "application/json"],
            body: JSONWriter.bytes(.object(fault)), allowsPlainHTTP: true)
        let answer = try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(request)
        guard answer.status < 300 else { throw MMError(.invalidInput, String(decoding: answer.body, as: UTF8.self)) }
    }

    /// Ends all faults of a tenant.
    func clear(_ number: Int) async throws {
        let request = HTTPRequest(
            method: "DELETE", url: "\(base)/sandbox/faults?tenant=\(SandboxOrganization.customer(number).id)",
            headers: ["X-Sandbox-Secret": await tenant.controlSecret.reveal()], allowsPlainHTTP: true)
        _ = try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(request)
    }

    /// What came of a call: the rows, and what was told behind them.
    struct Outcome {
        var rows: [JSONObject] = []
        var end = AnswerEnd()
        var notes: [String] = []

        /// The name that goes on with the call, where one was told.
        var resume: String? {
            end.notes.last?.split(separator: " ").last.map(String.init).flatMap { $0.hasPrefix("set_") ? $0 : nil }
        }

        func rows(of number: Int) -> [JSONObject] { rows.filter { $0["connection"] == .string("T\(number)") } }
    }

    func call(_ name: String, _ arguments: JSONObject, _ context: CallContext? = nil) async throws -> Outcome {
        let answer = try await service.call(name, arguments, in: context ?? self.context())
        var outcome = Outcome(notes: answer.notes)
        guard case .items(let stream) = answer.body else {
            Issue.record("no list: \(answer.body)")
            return outcome
        }
        while let batch = try await stream.next() {
            for row in batch {
                outcome.rows.append(try #require(JSONParser.parse(row).object))
            }
        }
        outcome.end = stream.end()
        return outcome
    }
}
