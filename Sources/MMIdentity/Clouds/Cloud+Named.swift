public import MMCore

extension Cloud {
    /// Returns the cloud of a connection.
    /// - Parameters:
    ///   - name: `public`, `gcc`, `gcchigh`, `dod`, `china`, `sandbox`, or the path of a file that describes another
    ///     cloud.
    ///   - paths: where a running sandbox publishes its addresses, and the home folder that `~` stands for.
    ///   - environment: may contain `MM_SANDBOX_URL`, the address of a sandbox whose services share it; it takes
    ///     precedence.
    /// - Throws: `.invalidInput` for another name and a broken file; `.notFound` for a missing one; `.unavailable` when no sandbox is running.
    public static func named(
        _ name: String, paths: StatePaths, environment: [String: String] = [:]
    ) throws(MMError) -> Cloud {
        if let cloud = table[name] { return cloud }
        if Connection.isCloudFile(name) {
            return try read(name.hasPrefix("~") ? paths.home + name.dropFirst() : name, named: name)
        }
        guard name == "sandbox" else {
            throw MMError(
                .invalidInput, "There is no cloud '\(name.prefix(40))'.",
                hint: "Clouds: \(names.joined(separator: ", ")), or the path of a cloud file.")
        }
        if let origin = environment["MM_SANDBOX_URL"], !origin.isEmpty {
            return try sandbox(origin: origin, source: "MM_SANDBOX_URL")
        }
        guard let bytes = try ProtectedFile.read(paths.sandboxFile, limit: 1 << 20) else {
            throw MMError(.unavailable, "No sandbox tenant is running.", hint: "Start it: mm sandbox start.")
        }
        guard let description = (try? JSONParser.parse(bytes))?.object else {
            throw MMError(
                .invalidInput, "\(paths.sandboxFile) is broken.", hint: "Start the sandbox again: mm sandbox start.")
        }
        return try sandbox(description, source: paths.sandboxFile)
    }

    /// Returns the cloud whose sign-in service an address belongs to; `nil` for every other service.
    package static func signInService(at address: WebAddress) -> Cloud? {
        guard address.scheme == "https", address.port == 443, !address.hasUserInfo else { return nil }
        return names.lazy.compactMap { table[$0] }.first { $0.environment == address.host }
    }
}
