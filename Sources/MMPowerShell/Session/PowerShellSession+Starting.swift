public import MMCore

extension PowerShellSession {
    /// Creates a session of a connection in the registry. It starts, and signs in with the module's own code, when it
    /// is first used.
    ///
    /// ```swift
    /// let session = try PowerShellSession(module: .exchangeOnline, connection: "Contoso")
    /// try await session.connect { print($0.message) }
    /// for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) { print(record.value) }
    /// ```
    /// - Parameters:
    ///   - module: the module that the session signs in to.
    ///   - connection: the connection's name, as `mm connections` lists it.
    ///   - tokens: a source of tokens, so that nobody has to enter a code.
    ///   - environment: `HOME`, `PATH`, `MM_PWSH`, `MM_CONNECTIONS`; by default that of this process.
    /// - Throws: `.unavailable` without a PowerShell, with what to install; `.notFound` with the known connections;
    ///   `.invalidInput` for an entry that can't be used.
    public init(
        module: PowerShellModule, connection: String, tokens: (any TokenFeeding)? = nil,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let paths = StatePaths(environment: environment)
        let registry = try ConnectionRegistry(path: paths.registry).snapshot()
        var settings = try PowerShellSessionSettings(
            connection: try registry.connection(named: connection), module: module.rawValue,
            knownApps: registry.knownModuleApps,
            location: try PowerShellLocator(environment: environment).locate(), paths: paths,
            environment: environment, tokens: tokens)
        settings.host.passNetwork(of: environment)
        self.init(settings)
    }

    /// Creates a persistent PowerShell session without any sign-in.
    /// - Parameters:
    ///   - folder: the folder of the session's home; only this user may read it.
    ///   - environment: `PATH`, `MM_PWSH` and the variables for the session; by default those of this process.
    /// - Throws: `.unavailable` without a PowerShell, with what to install.
    public init(
        folder: String, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        var host = HostSettings(
            location: try PowerShellLocator(environment: environment).locate(), folder: folder,
            environment: environment)
        host.passNetwork(of: environment)
        self.init(PowerShellSessionSettings(host: host))
    }

    /// Runs a cmdlet with its arguments, which are passed as data: nothing in them is ever executed.
    /// - Parameters:
    ///   - cmdlet: its name, such as `Get-Mailbox`.
    ///   - arguments: the values of its parameters, by name without the dash; `true` for a switch.
    ///   - deadline: when to stop waiting or running.
    /// - Returns: its records as they arrive.
    /// - Throws: as `run` of a command; `.invalidInput` for an invalid name.
    public func run(
        _ cmdlet: String, _ arguments: [String: PowerShellValue], deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> PowerShellRecords {
        let names = arguments.keys.sorted()
        for name in [cmdlet] + names where !Self.isName(name) {
            throw MMError(
                .invalidInput, "'\(name.prefix(60))' isn't the name of a cmdlet or parameter.",
                hint:
                    "Give the name alone, and values as arguments; a script goes through `run` of a PowerShellCommand.")
        }
        // The values get generated names: `$Host` or `$Error` could not be declared.
        let variables = names.indices.map { "value\($0)" }
        let declared = variables.map { "$\($0)" }.joined(separator: ", ")
        let passed = zip(names, variables).map { " -\($0):$\($1)" }.joined()
        var values: [String: PowerShellValue] = [:]
        for (name, variable) in zip(names, variables) { values[variable] = arguments[name] }
        let command = PowerShellCommand(
            "param(\(declared))\n\(cmdlet)\(passed)", parameters: values, isLocal: true)
        return PowerShellRecords(run: try await run(command, deadline: deadline))
    }

    /// Returns whether a text is a plain name: letters, digits and `_`, with hyphens in between.
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
