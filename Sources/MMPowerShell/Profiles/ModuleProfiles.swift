public import MMCore

/// The modules that sessions exist for.
public enum ModuleProfiles {
    /// All of them, in the order they are shown.
    public static let all: [any ModuleProfile] = [
        ExchangeProfile(), AzureProfile(), TeamsProfile(), PnPProfile(), PowerPlatformProfile(), GraphProfile(),
    ]

    /// The profile of a word.
    /// - Parameter name: such as `exo`; case doesn't count.
    /// - Throws: `invalidInput` with the words there are.
    public static func named(_ name: String) throws(MMError) -> any ModuleProfile {
        if let profile = all.first(where: { $0.name == name.lowercased() }) { return profile }
        throw MMError(
            .invalidInput, "There is no module “\(name)”.",
            hint: "The modules are \(all.map(\.name).joined(separator: ", ")).")
    }
}
