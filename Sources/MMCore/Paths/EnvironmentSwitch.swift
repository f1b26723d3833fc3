/// Environment variables that switch something on or off.
package enum EnvironmentSwitch {
    /// Returns whether a variable switches on what it stands for.
    ///
    /// Another word is an error: what its author meant to switch would else silently stay as it is.
    /// - Parameters:
    ///   - name: the variable.
    ///   - environment: the environment.
    ///   - unset: what holds if it isn't set, or empty.
    /// - Throws: `invalidInput`, naming the variable.
    package static func isOn(_ name: String, of environment: [String: String], unset: Bool = false) throws(MMError)
        -> Bool
    {
        switch environment[name]?.lowercased() ?? "" {
        case "": return unset
        case "0", "false", "no", "off": return false
        case "1", "true", "yes", "on": return true
        case let word:
            throw MMError(.invalidInput, "\(name) can't be `\(word.prefix(40))`.", hint: "Give 1 or 0.")
        }
    }
}
