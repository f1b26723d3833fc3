package import MMCore
package import MMOperations

/// The profiles there are: a line each.
package enum ToolProfiles {
    /// Makes a profile for one server.
    /// - Parameters:
    ///   - service: carries operations out, perhaps in another process.
    ///   - services: what operations of this process work with.
    package typealias Maker =
        @Sendable (_ service: any OperationService, _ services: OperationServices) throws(MMError) -> ToolProfile

    /// Name and maker of every profile, in the order help texts list them.
    static let all: [(name: String, make: Maker)] = [
        (
            "pwsh-manager",
            { (_, services) throws(MMError) in
                // A tenant outside the registry is known to this process alone.
                try PwshManagerProfile.profile(
                    LocalOperationService(services: services), services, environment: services.environment)
            }
        ),
        (
            MMDesignProfile.name,
            { (service, _) throws(MMError) in MMDesignProfile.profile(service) }
        ),
        (
            PersistentShellProfile.name,
            { (_, services) throws(MMError) in
                try PersistentShellProfile.profile(environment: services.environment)
            }
        ),
        (SSHSessionProfile.name, { (_, _) throws(MMError) in SSHSessionProfile.profile() }),
        (SSHSessionFullProfile.name, { (_, _) throws(MMError) in SSHSessionFullProfile.profile() }),
    ]

    /// The names of all profiles. `mm` is the default: the catalogue itself.
    package static var names: [String] { ["mm"] + all.map(\.name) }

    /// The address at which a profile is served where the command line names none.
    /// - Returns: `nil` for a profile on standard input and output.
    /// - Throws: `invalidInput` for settings that can't be understood.
    package static func address(of name: String, environment: [String: String]) throws(MMError) -> String? {
        name == PersistentShellProfile.name ? try PersistentShellProfile.address(environment: environment) : nil
    }

    /// Whether a profile's operations are carried out in the pool, which keeps their sessions.
    package static func usesPool(_ name: String) -> Bool { name == MMDesignProfile.name }

    /// Makes the profile of a name.
    /// - Returns: `nil` for `mm`, which is the catalogue itself.
    /// - Throws: `invalidInput` that lists the names.
    package static func make(_ name: String, _ service: any OperationService, _ services: OperationServices)
        throws(MMError) -> ToolProfile?
    {
        if name == "mm" { return nil }
        guard let entry = all.first(where: { $0.name == name }) else { throw unknown(name) }
        return try entry.make(service, services)
    }

    /// Refuses a name that is none.
    /// - Throws: `invalidInput` that lists the names.
    package static func check(_ name: String) throws(MMError) {
        guard names.contains(name) else { throw unknown(name) }
    }

    /// The environment as the product reads it, where a profile has variables of its own.
    package static func environment(_ environment: [String: String], for profile: String?) -> [String: String] {
        switch profile {
        case "pwsh-manager": TenantSettings.product(environment)
        case PersistentShellProfile.name: PersistentShellSettings.product(environment)
        default: environment
        }
    }

    private static func unknown(_ name: String) -> MMError {
        let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        return MMError(
            .invalidInput, "There is no profile `\(name.prefix(60))`.\(near)",
            hint: "Profiles: \(names.joined(separator: ", ")).")
    }
}
