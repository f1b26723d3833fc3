public import MMCore

extension PowerShellSession {
    /// A session of a registry's connection. It starts, and signs in with the module's own code, when it is first used.
    ///
    /// ```swift
    /// let session = try PowerShellSession(module: .exchangeOnline, connection: "Contoso")
    /// try await session.connect { print($0.message) }
    /// for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) { print(record.value) }
    /// ```
    /// - Parameters:
    ///   - module: what the session signs in to.
    ///   - connection: the connection's name, as `mm connections` lists it.
    ///   - tokens: where tokens come from, so that nobody has to enter a code.
    ///   - environment: `HOME`, `PATH`, `MM_PWSH`, `MM_CONNECTIONS`; the process's own unless given.
    /// - Throws: `.unavailable` without a PowerShell, with what to install; `.notFound` with the known connections;
    ///   `.invalidInput` for an entry that can't be used.
    public init(
        module: PowerShellModule, connection: String, tokens: (any TokenFeeding)? = nil,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let paths = StatePaths(environment: environment)
        let registry = try ConnectionRegistry(path: paths.registry).snapshot()
        self.init(
            try PowerShellSessionSettings(
                connection: try registry.connection(named: connection), module: module.rawValue,
                knownApps: registry.knownModuleApps,
                location: try PowerShellLocator(environment: environment).locate(), paths: paths,
                environment: environment, tokens: tokens))
    }

    /// A plain PowerShell that lasts, without any sign-in.
    /// - Parameters:
    ///   - folder: where the session keeps its home; only this user may read it.
    ///   - environment: `PATH`, `MM_PWSH` and what the session shall see; the process's own unless given.
    /// - Throws: `.unavailable` without a PowerShell, with what to install.
    public init(
        folder: String, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        self.init(
            PowerShellSessionSettings(
                host: HostSettings(
                    location: try PowerShellLocator(environment: environment).locate(), folder: folder,
                    environment: environment)))
    }

    /// Runs a cmdlet with its arguments, which arrive as data: nothing in them is ever run.
    /// - Parameters:
    ///   - cmdlet: its name, such as `Get-Mailbox`.
    ///   - arguments: values of its parameters, by name without the dash; a switch takes `true`.
    ///   - deadline: when waiting or running ends.
    /// - Returns: its records as they come.
    /// - Throws: as `run` of a command; `.invalidInput` for a name that is none.
    public func run(
        _ cmdlet: String, _ arguments: [String: PowerShellValue], deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> PowerShellRecords {
        let names = arguments.keys.sorted()
        for name in [cmdlet] + names where !Self.isName(name) {
            throw MMError(
                .invalidInput, "'\(name.prefix(60))' is no name of a cmdlet or parameter.",
                hint:
                    "Give the name alone, and values as arguments; a script goes through `run` of a PowerShellCommand.")
        }
        // Values under names of their own: `$Host` or `$Error` could not be declared.
        let variables = names.indices.map { "value\($0)" }
        let declared = variables.map { "$\($0)" }.joined(separator: ", ")
        let passed = zip(names, variables).map { " -\($0):$\($1)" }.joined()
        var values: [String: PowerShellValue] = [:]
        for (name, variable) in zip(names, variables) { values[variable] = arguments[name] }
        let command = PowerShellCommand(
            "param(\(declared))\n\(cmdlet)\(passed)", parameters: values, isLocal: true)
        return PowerShellRecords(run: try await run(command, deadline: deadline))
    }

    /// Whether a text is a plain name: letters, digits and `_`, with hyphens within.
    private static func isName(_ text: String) -> Bool {
        let units = Array(text.utf8)
        guard let first = units.first, let last = units.last, units.count <= 200, first != UInt8(ascii: "-"),
            last != UInt8(ascii: "-")
        else { return false }
        return units.allSatisfy { unit in
            switch unit {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
