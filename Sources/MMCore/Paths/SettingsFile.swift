/// A file with the owner's settings: the one that a variable of the environment names, otherwise the usual one.
package struct SettingsFile: Sendable, Hashable {
    /// The file's path.
    package let path: String
    /// The variable that names it; `nil` for the usual file.
    private let variable: String?

    /// Finds the file for an environment.
    /// - Parameters:
    ///   - variable: the variable that may name it.
    ///   - usual: the path of the usual file.
    package init(_ variable: String, usual: String, environment: [String: String]) {
        if let named = environment[variable], !named.isEmpty {
            path = StatePaths.absolute(named, home: StatePaths(environment: environment).home)
            self.variable = variable
        } else {
            path = usual
            self.variable = nil
        }
    }

    /// Reads the file.
    /// - Returns: `nil` when no variable names one and there is no usual one.
    /// - Throws: as `ProtectedFile.read`, and `invalidInput` when the file that a variable names is missing: its owner
    ///   relies on what it says.
    package func read(limit: Int) throws(MMError) -> [UInt8]? {
        let bytes = try ProtectedFile.read(path, limit: limit)
        guard bytes == nil, let variable else { return bytes }
        throw MMError(
            .invalidInput, "\(variable) names \(path), which doesn't exist.",
            hint: "Correct the variable (an absolute path, or one that starts with ~/), or unset it.",
            details: ["path": .string(path)])
    }
}
