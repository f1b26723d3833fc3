import Glibc
import MMCore
import MMSystem

/// A sandbox tenant in its own process, with a home folder and a connection `Demo`; both end with this value.
final class Tenant: Sendable {
    /// The home of the programs that use it.
    let home: TemporaryHome
    /// Where it is reached.
    let base: String
    private let process: ChildProcess

    /// Starts a tenant.
    /// - Parameters:
    ///   - users: how many users it has.
    ///   - lifetime: how many seconds its access tokens live.
    ///   - customers: how many customers it administers for.
    ///   - tokenGroups: how many groups its access tokens name.
    ///   - certificate: the file of a certificate that its confidential app has.
    init(
        users: Int = 300, lifetime: Int = 3600, customers: Int = 0, tokenGroups: Int = 200, certificate: String? = nil
    ) async throws {
        home = try TemporaryHome()
        var command = ChildCommand(
            Programs.mm,
            [
                "sandbox", "start", "--foreground", "--users", "\(users)", "--interval", "1", "--lifetime",
                "\(lifetime)", "--token-groups", "\(tokenGroups)",
            ] + (customers > 0 ? ["--customers", "\(customers)"] : [])
                + (certificate.map { ["--certificate", $0] } ?? []),
            environment: home.environment)
        command.output = .null
        command.error = .null
        process = try await ChildProcess.start(command)
        let file = "\(home.path)/.m365-state/sandbox.json"
        while process.exited == nil {
            if let bytes = try? ProtectedFile.read(file), let json = try? JSONParser.parse(bytes),
                let url = json["graph"]?.string
            {
                base = url
                try await addConnection()
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw MMError(.internalError, "the sandbox tenant did not start")
    }

    deinit { process.signalGroup(SIGKILL) }

    /// Ends the tenant before its home is removed.
    func stop() async { _ = await process.terminate(grace: .seconds(300)) }

    /// Ends the tenant and its home's pool without waiting for them.
    func endAtOnce() {
        process.signalGroup(SIGKILL)
        let place = (try? ProtectedFile.read("\(home.path)/.m365-state/pool.json")).flatMap { $0 }
        if let place, let pid = (try? JSONParser.parse(place))?["pid"]?.int { kill(pid_t(pid), SIGTERM) }
    }

    private func addConnection() async throws {
        let added = try await mm([
            "connections", "add", "Demo", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a001",
            "--tenant", "contoso-sandbox.example", "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--expected-email", "admin@contoso-sandbox.example",
        ])
        guard added.code == 0 else { throw MMError(.internalError, "no connection: \(added.error)") }
    }

    /// Edits the entry of the connection in the file, as its owner may: commands need a person for weakening it.
    /// - Parameter words: keys and values, such as `egress=off`.
    func write(_ words: String...) throws {
        try write(words)
    }

    /// Edits the entry of the connection in the file.
    func write(_ words: [String]) throws {
        let fields = words.map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (key: String(parts[0]), text: parts.count > 1 ? String(parts[1]) : nil)
        }
        try ConnectionRegistry(path: "\(home.path)/.m365-connections.json").edit { document throws(MMError) in
            try RegistryEdit.edit("Demo", fields: fields, in: &document)
        }
    }

    /// The result of a program.
    struct Ran: Sendable {
        let code: Int32
        let output: String
        let error: String
        var json: JSONValue? { try? JSONParser.parse(output) }
        /// The error object that `--json` writes.
        var failure: JSONValue? {
            error.split(separator: "\n").lazy.compactMap { try? JSONParser.parse(String($0)) }.first?["error"]
        }
    }

    /// Runs `mm` to its end.
    /// - Parameters:
    ///   - arguments: its arguments.
    ///   - input: its standard input.
    /// - extra: additional environment variables.
    func mm(_ arguments: [String], input: String? = nil, extra: [String: String] = [:]) async throws -> Ran {
        try await Self.run(Programs.mm, arguments, home.environment.merging(extra) { $1 }, input: input)
    }

    /// Runs any program to its end in this home.
    static func run(_ program: String, _ arguments: [String], _ environment: [String: String], input: String? = nil)
        async throws -> Ran
    {
        let outcome = try await ChildProcess.run(
            ChildCommand(program, arguments, environment: environment), input: input.map { Array($0.utf8) } ?? [],
            limit: 256 << 20, timeout: .seconds(600))
        return Ran(
            code: outcome.exit.code, output: String(decoding: outcome.output, as: UTF8.self),
            error: String(decoding: outcome.error, as: UTF8.self))
    }

    /// Starts a sign-in and approves it as an account.
    /// - Returns: the last `mm login`.
    @discardableResult
    func signIn(_ connection: String = "Demo", as account: String? = nil) async throws -> Ran {
        let started = try await mm(["login", connection, "--json"])
        guard started.code != 0 else { return started }
        guard let code = started.failure?["details"]?["userCode"]?.string else {
            throw MMError(.internalError, "no code: \(started.error)")
        }
        try await approve(code, as: account)
        return try await login(connection)
    }

    /// Approves a code as a person would in the browser.
    func approve(_ code: String, as account: String? = nil) async throws {
        let arguments = ["sandbox", "approve", code] + (account.map { ["--account", $0] } ?? [])
        let approved = try await mm(arguments)
        guard approved.code == 0 else { throw MMError(.internalError, "not approved: \(approved.error)") }
    }

    /// Repeats `mm login` until the service has processed the approval.
    func login(_ connection: String = "Demo") async throws -> Ran {
        while true {
            let ran = try await mm(["login", connection, "--json"])
            guard ran.failure?["code"] == "sign_in_needed" else { return ran }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

extension Tenant {
    /// Calls an endpoint that controls the tenant.
    func control(_ method: String, _ name: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        guard let file = try ProtectedFile.read("\(home.path)/.m365-state/sandbox.json"),
            let secret = try JSONParser.parse(file)["secret"]?.string
        else { throw MMError(.internalError, "the tenant's state file is gone") }
        var arguments = ["-s", "-X", method, "-H", "X-Sandbox-Secret: \(secret)", "\(base)/sandbox/\(name)"]
        if let body { arguments += ["-H", "Content-Type: application/json", "-d", JSONWriter.string(body)] }
        let ran = try await Self.run("/usr/bin/curl", arguments, home.environment)
        if ran.code == 0, ran.output.isEmpty { return [:] }
        guard let answer = ran.json else { throw MMError(.internalError, "\(name): \(ran.output) \(ran.error)") }
        if let error = answer["error"] { throw MMError(.internalError, "\(name): \(error)") }
        return answer
    }

    /// Makes the tenant produce faults.
    func fault(_ fault: JSONObject) async throws {
        _ = try await control("POST", "faults", .object(fault))
    }

    /// How many requests to a path the tenant has seen.
    func requests(to path: String) async throws -> Int {
        let seen = try await control("GET", "requests")["requests"]?.array ?? []
        return seen.count { $0["path"]?.string?.hasSuffix(path) == true }
    }
}
