public import MMCore

extension Cloud {
    /// Returns the cloud of a connection.
    /// - Parameters:
    ///   - name: `public`, `gcc`, `gcchigh`, `dod`, `china` or `sandbox`.
    ///   - paths: where a running sandbox publishes its addresses.
    ///   - environment: may contain `MM_SANDBOX_URL`, the address of a sandbox whose services share it; it takes
    ///     precedence.
    /// - Throws: `.invalidInput` for another name; `.unavailable` when no sandbox is running.
    public static func named(
        _ name: String, paths: StatePaths, environment: [String: String] = [:]
    ) throws(MMError) -> Cloud {
        if let cloud = table[name] { return cloud }
        guard name == "sandbox" else {
            throw MMError(
                .invalidInput, "There is no cloud '\(name.prefix(40))'.",
                hint: "Clouds: \(names.joined(separator: ", ")).")
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
}
