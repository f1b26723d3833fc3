package import MMCore

/// The modules that sessions exist for.
package enum ModuleProfiles {
    /// All of them, in the order they are shown.
    package static let all: [any ModuleProfile] = [
        ExchangeProfile(), AzureProfile(), TeamsProfile(), PnPProfile(), PowerPlatformProfile(), GraphProfile(),
    ]

    /// The profile of a word.
    /// - Parameter name: such as `exo`; case doesn't count.
    /// - Throws: `invalidInput` with the words there are.
    package static func named(_ name: String) throws(MMError) -> any ModuleProfile {
        if let profile = all.first(where: { $0.name == name.lowercased() }) { return profile }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.",
            hint: "The modules are \(all.map(\.name).joined(separator: ", ")).")
    }
}
