import MMCore
import MMGraph
import MMHTTP
import MMSandbox
import TestSupport

@testable import MMOperations

/// A sandbox tenant of a test's own with a signed-in connection `Demo`, and a person who says yes to everything.
final class ChangesHome: Sendable {
    let home: TestHome
    let service: LocalOperationService
    let tenant: SandboxTenant
    let person = YesPerson()

    /// Says yes, and keeps what was shown.
    final class YesPerson: ConfirmingPerson {
        private let shown = Mutex<[String]>([])
        var isAtTerminal: Bool { true }
        var pages: [String] { shown.withLock { $0 } }
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
            shown.withLock { $0 += question.pages }
            return true
        }
    }

    private static let registry = """
        {"connections": {"Demo": {
          "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001", "tenant": "contoso-sandbox.example",
          "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "expectedEmail": "admin@contoso-sandbox.example"}}}
        """

    /// - Parameters:
    ///   - nodes: what this node shares with others of a cluster; `nil` for one alone.
    ///   - longestPause: how long a refused request waits at most before it is repeated.
    ///   - clock: tells the tenant its time.
    init(
        users: Int = 40, customers: Int = 0, isSignedIn: Bool = true, sharing nodes: SharedNodes? = nil,
        longestPause: Duration = .seconds(300), clock: WallClock = .system
    ) async throws {
        var options = SandboxOptions()
        options.clock = clock
        options.userCount = users
        options.pollInterval = 1
        options.customerCount = customers
        tenant = SandboxTenant(options: options)
        let base = try await tenant.start()
        home = try TestHome()
        try ProtectedFile.replace(home.paths.registry, with: Array(Self.registry.utf8))
        var services = OperationServices(environment: home.environment.merging(["MM_SANDBOX_URL": base]) { $1 }) {
            try await Task.sleep(for: min($0, longestPause))
        }
        services.cluster = try nodes?.lines(of: services.paths)
        service = LocalOperationService(services: services)
        if isSignedIn { try await signIn() }
    }

    /// What works on the same folders as another process does.
    func process() -> LocalOperationService {
        LocalOperationService(services: OperationServices(environment: service.services.environment))
    }

    /// Another node with the same sign-ins and a record of its own.
    func node(sharing nodes: SharedNodes) throws(MMError) -> LocalOperationService {
        var environment = service.services.environment
        environment["MM_STATE_DIR"] = home.path + "/other-state"
        // Who has signed in stands in the state.
        try ProtectedFile.replace(
            home.path + "/other-state/pins.json",
            with: try ProtectedFile.read(home.paths.stateDirectory + "/pins.json") ?? Array("{}".utf8))
        var services = OperationServices(environment: environment)
        services.cluster = try nodes.lines(of: services.paths)
        return LocalOperationService(services: services)
    }

    func stop() async {
        await service.services.close()
        await tenant.stop()
    }

    /// Signs a connection in.
    /// - Parameter account: who approves it; the administrator by default.
    func signIn(_ name: String = "Demo", as account: String? = nil) async throws {
        var approved: JSONValue?
        while true {
            do throws(MMError) {
                _ = try await service.call("login", ["connection": .string(name)], in: context(nil))
                return
            } catch {
                guard error.code == .signInNeeded, let code = error.details["userCode"] else { throw error }
                if approved != code {
                    try await control(
                        "POST", "approve", ["userCode": code, "account": account.map { .string($0) } ?? .null])
                    approved = code
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Steers the sandbox.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSONObject? = nil) async throws -> JSONValue {
        let answer = try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(
            HTTPRequest(
                method: method, url: "\(await tenant.baseURL)/sandbox/\(path)",
                headers: [
                    "X-Sandbox-Secret": await tenant.controlSecret.reveal(), "Content-Type": "application/json",
                ],
                body: body.map { body in
                    JSONWriter.bytes(
                        .object(JSONObject(body.filter { !$0.value.isNull }.map { ($0.key, $0.value) })))
                } ?? [],
                allowsPlainHTTP: true))
        guard answer.status < 300 else { throw MMError(.invalidInput, String(decoding: answer.body, as: UTF8.self)) }
        return answer.body.isEmpty ? .null : try JSONParser.parse(answer.body)
    }

    /// The last lines of the journal, for what a test says when it fails.
    func journalTail() throws -> String {
        String(
            decoding: (try ProtectedFile.read(home.paths.stateDirectory + "/journal/1.jsonl") ?? []).suffix(1200),
            as: UTF8.self)
    }

    /// Leaves the journal as a process does that is killed between an answer and the note of it.
    func forgetEnd() throws {
        let path = home.paths.stateDirectory + "/journal/1.jsonl"
        guard var bytes = try ProtectedFile.read(path)?[...] else { return }
        while let start = bytes.lastIndex(of: 0x0A) {
            let line = bytes[(start + 1)...]
            guard line.isEmpty || String(decoding: line, as: UTF8.self).contains("\"ended\"") else { break }
            bytes = bytes[..<start]
        }
        try ProtectedFile.replace(path, with: Array(bytes))
    }

    /// Changes the registry.
    func edit(_ change: (inout JSONObject) -> Void) throws(MMError) {
        try service.services.registry.edit { document throws(MMError) in
            var entries = document["connections"]?.object ?? [:]
            change(&entries)
            document["connections"] = .object(entries)
        }
    }

    /// Adds a connection of the same tenant, and signs it in as another account.
    func add(_ name: String, account: String) async throws {
        try edit { entries in
            var entry = entries["Demo"]?.object ?? entries.values.first?.object ?? [:]
            entry["expectedEmail"] = .string(account)
            entry["guard"] = nil
            entries[name] = .object(entry)
        }
        try await signIn(name, as: account)
    }

    /// Gives `Demo` a guard of its own.
    func guardDemo(_ policy: JSONValue, checks: JSONValue? = nil) throws(MMError) {
        try edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["guard"] = policy
            entry["person"] = checks
            entries["Demo"] = .object(entry)
        }
    }

    func context(_ person: (any ConfirmingPerson)?, as principal: String? = nil) -> CallContext {
        var caller = Caller(surface: principal == nil ? .terminal : .mcp, name: "test", server: nil)
        caller.signedIn = principal.map { Caller.Principal(id: $0, name: nil) }
        return CallContext(caller: caller, sessionID: "session-1", person: person)
    }

    /// Calls an operation as a person who says yes.
    /// - Parameter principal: who that is, where they signed in to the server.
    func call(_ name: String, _ arguments: JSONObject, as principal: String? = nil) async throws(MMError)
        -> OperationAnswer
    {
        try await service.call(name, arguments, in: context(person, as: principal))
    }

    /// Sends a request.
    @discardableResult
    func graph(_ method: String, _ path: String, _ body: JSONValue? = nil, isDryRun: Bool = false)
        async throws(MMError) -> JSONValue
    {
        var arguments: JSONObject = [
            "connection": "Demo", "endpoint": .string(path), "method": .string(method), "unlisted": true,
        ]
        arguments["body"] = body
        if isDryRun { arguments["dryRun"] = true }
        return Self.value(try await call("graph_request", arguments))
    }

    /// Sends many requests with one call.
    func graphBatch(_ lines: [String]) async throws(MMError) {
        _ = try await call("graph_request", ["connection": "Demo", "batch": .string(lines.joined(separator: "\n"))])
    }

    /// How many requests to a path the tenant has got, of the last six hundred.
    func requests(of path: String) async throws -> Int {
        let requests = try await control("GET", "requests")["requests"]?.array ?? []
        return requests.count { $0["path"]?.string?.contains(path) == true }
    }

    /// Sends a request to Power Automate.
    @discardableResult
    func flow(_ method: String, _ path: String, isDryRun: Bool = false) async throws(MMError) -> JSONValue {
        var arguments: JSONObject = [
            "connection": "Demo", "endpoint": .string(path), "method": .string(method), "resource": "flow",
        ]
        if isDryRun { arguments["dryRun"] = true }
        return Self.value(try await call("graph_request", arguments))
    }

    /// Runs a script in Exchange.
    @discardableResult
    func run(_ script: String, isDryRun: Bool = false) async throws(MMError) -> JSONValue {
        var arguments: JSONObject = [
            "connection": "Demo", "module": "exo", "command": .string(script), "output": "json",
        ]
        if isDryRun { arguments["dryRun"] = true }
        return Self.value(try await call("run", arguments))
    }

    static func value(_ answer: OperationAnswer) -> JSONValue {
        switch answer.body {
        case .value(let value): value
        case .json(let bytes): (try? JSONParser.parse(bytes)) ?? .null
        default: .null
        }
    }

    /// Every item of a list.
    func list(_ path: String) async throws(MMError) -> [JSONValue] {
        let answer = try await call("graph_request", ["connection": "Demo", "endpoint": .string(path), "all": true])
        guard case .items(let stream) = answer.body else { return [Self.value(answer)] }
        var items: [JSONValue] = []
        while let rows = try await stream.next() {
            for row in rows { items.append((try? JSONParser.parse(Array(row))) ?? .null) }
        }
        return items
    }

    var journal: ChangeJournal { service.services.requestServices.journal }

    /// The newest change in the journal.
    func newest() async throws(MMError) -> JournalEntry? { try await journal.entries().last }
}

/// The names of the sandbox's customers.
enum SandboxName {
    static func of(_ number: Int) -> String { SandboxOrganization.customer(number).name }
}
