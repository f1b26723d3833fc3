package import MMCore
import MMNative
import MMPowerShell
package import PowerShellSyntax

/// The modules that commands run in: those of PowerShell, and those that have no PowerShell here at all.
package enum RunModule {
    /// Their words, in the order they are shown.
    package static let names = ModuleProfiles.all.map(\.name) + ["compliance"]

    /// The module of a word; case doesn't count.
    /// - Throws: `invalidInput` with the words there are.
    package static func named(_ name: String) throws(MMError) -> String {
        let word = name.lowercased()
        if names.contains(word) { return word }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.", hint: "The modules are \(names.joined(separator: ", ")).")
    }

    /// The module that a caller names, else the one that a script's own cmdlets are in.
    /// - Throws: `invalidInput` with the words there are.
    /// - Parameter inPowerShell: whether PowerShell runs it, where a session has the cmdlets of its module alone.
    package static func named(
        _ name: String?, for script: ParsedScript, inPowerShell: Bool = false
    ) throws(MMError) -> String {
        if let name { return try named(name) }
        return try ScriptModules(script).module(inPowerShell: inPowerShell)
    }

    /// Whether its cmdlets run natively.
    static func isNative(_ name: String) -> Bool { name == "graph" || ExchangeTable.Service(module: name) != nil }

    /// Whether a PowerShell module of it exists on this platform.
    static func hasPowerShell(_ name: String) -> Bool { (try? ModuleProfiles.named(name)) != nil }
}
