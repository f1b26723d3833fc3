import MMCore
import MMSystem

/// Codex's own command for its list of servers, `codex mcp`: only Codex reads and writes its file.
struct CodexCommand: Sendable {
    private let program: String
    private let environment: [String: String]

    /// Creates the command; `nil` if `codex` is not in `PATH`.
    init?(_ environment: [String: String]) {
        guard let program = ExecutableSearch.find("codex", in: environment) else { return nil }
        self.program = program
        self.environment = environment
    }

    /// Returns the servers in Codex's list.
    /// - Throws: `remoteFailed` with Codex's message.
    func servers() async throws(MMError) -> [ClientList.Found] {
        let outcome = try await run(["mcp", "list", "--json"])
        guard outcome.isDone, let rows = outcome.json?.array else { throw failure("mcp list", outcome) }
        return rows.compactMap { row in row["name"]?.string.map { Self.found(row, name: $0) } }
    }

    /// Adds a server to Codex's list.
    /// - Parameters:
    ///   - entry: the server.
    ///   - replacing: whether a different server of the same name may be replaced.
    /// - Returns: whether anything had to be changed.
    /// - Throws: `conflict` for such a server; `remoteFailed` with Codex's message.
    func put(_ entry: ServerEntry, replacing: Bool) async throws(MMError) -> Bool {
        if let old = try await server(entry.name) {
            if Self.says(old, entry) { return false }
            guard replacing else {
                throw MMError(
                    .conflict, "Codex already has a server named \(entry.name) with other settings.",
                    hint: "Use another name (--name mm2), or add --replace to overwrite it.")
            }
        }
        let outcome = try await run(Self.adding(entry))
        guard outcome.isDone else { throw failure("mcp add", outcome) }
        return true
    }

    /// Removes a server from Codex's list if it is this product's.
    /// - Parameter url: the address of a server that is this product's although its name is not `mm`.
    /// - Returns: whether it was there.
    /// - Throws: `conflict` for another program's server; `remoteFailed` with Codex's message.
    func take(_ name: String, url: String?) async throws(MMError) -> Bool {
        guard let old = try await server(name) else { return false }
        try old.found.checkOurs(url: url, in: "Codex")
        let outcome = try await run(["mcp", "remove", name])
        guard outcome.isDone else { throw failure("mcp remove", outcome) }
        return true
    }

    /// Returns the arguments of `codex` that add a server.
    static func adding(_ entry: ServerEntry) -> [String] {
        switch entry.way {
        case .command(let command, let arguments, let environment):
            let variables = environment.sorted { $0.key < $1.key }.flatMap { ["--env", "\($0.key)=\($0.value)"] }
            return ["mcp", "add", entry.name] + variables + ["--", command] + arguments
        case .url(let url):
            let secret =
                if case .variable(let name)? = entry.secret { ["--bearer-token-env-var", name] } else { [String]() }
            return ["mcp", "add", entry.name, "--url", url] + secret
        }
    }

    private func server(_ name: String) async throws(MMError) -> (found: ClientList.Found, variables: JSONObject)? {
        let outcome = try await run(["mcp", "get", name, "--json"])
        guard outcome.isDone, let row = outcome.json, row.object != nil else {
            if outcome.error.contains("No MCP server named") { return nil }
            throw failure("mcp get", outcome)
        }
        return (Self.found(row, name: name), Self.transport(row)["env"]?.object ?? [:])
    }

    /// Returns whether a server is set up as wanted; additional variables are ignored, since the person may have added
    /// them.
    private static func says(_ old: (found: ClientList.Found, variables: JSONObject), _ entry: ServerEntry) -> Bool {
        switch entry.way {
        case .command(let command, let arguments, let environment):
            old.found.command == command && old.found.arguments == arguments
                && environment.allSatisfy { old.variables[$0.key]?.string == $0.value }
        case .url(let url): old.found.url == url
        }
    }

    private static func found(_ row: JSONValue, name: String) -> ClientList.Found {
        let transport = transport(row)
        return ClientList.Found(
            name: name, command: transport["command"]?.string,
            arguments: (transport["args"]?.array ?? []).compactMap(\.string), url: transport["url"]?.string)
    }

    /// Returns the description of how a server is reached; earlier versions of Codex have it in the row itself.
    private static func transport(_ row: JSONValue) -> JSONValue { row["transport"] ?? row }

    private struct Outcome {
        let isDone: Bool
        let json: JSONValue?
        let error: String
    }

    private func run(_ words: [String]) async throws(MMError) -> Outcome {
        let outcome = try await ChildProcess.run(
            ChildCommand(program, words, environment: environment), limit: 1 << 20, timeout: .seconds(60))
        return Outcome(
            isDone: outcome.exit.code == 0, json: try? JSONParser.parse(outcome.output),
            error: String(decoding: outcome.error.prefix(500), as: UTF8.self))
    }

    private func failure(_ words: String, _ outcome: Outcome) -> MMError {
        MMError(
            .remoteFailed, "codex \(words) failed: \(outcome.error.isEmpty ? "no output" : outcome.error)",
            hint: "`mm mcp install codex --print` shows what to add manually.")
    }
}
