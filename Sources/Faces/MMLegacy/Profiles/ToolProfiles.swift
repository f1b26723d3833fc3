package import MMCore
package import MMOperations

/// The available profiles, one per line.
package enum ToolProfiles {
    /// Creates a profile for one server.
    /// - Parameters:
    ///   - service: performs operations, possibly in another process.
    ///   - services: what operations in this process work with.
    package typealias Maker =
        @Sendable (_ service: any OperationService, _ services: OperationServices) throws(MMError) -> ToolProfile

    /// The name and maker of every profile, in the order of help texts.
    static let all: [(name: String, make: Maker)] = [
        (
            "pwsh-manager",
            { (_, services) throws(MMError) in
                // Tenants outside the registry are known only to this process.
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

    /// The names of all profiles. The default, `mm`, is the catalogue itself.
    package static var names: [String] { ["mm"] + all.map(\.name) }

    /// Returns the address at which a profile is served when the command line gives none.
    /// - Returns: `nil` for a profile on standard input and output.
    /// - Throws: `invalidInput` for invalid settings.
    package static func address(of name: String, environment: [String: String]) throws(MMError) -> String? {
        name == PersistentShellProfile.name ? try PersistentShellProfile.address(environment: environment) : nil
    }

    /// Returns whether a profile's operations run in the pool, which keeps their sessions.
    package static func usesPool(_ name: String) -> Bool { name == MMDesignProfile.name }

    /// Creates the profile with a name.
    /// - Returns: `nil` for `mm`, which is the catalogue itself.
    /// - Throws: `invalidInput`, listing the names.
    package static func make(_ name: String, _ service: any OperationService, _ services: OperationServices)
        throws(MMError) -> ToolProfile?
    {
        if name == "mm" { return nil }
        guard let entry = all.first(where: { $0.name == name }) else { throw unknown(name) }
        return try entry.make(service, services)
    }

    /// Checks that a profile with this name exists.
    /// - Throws: `invalidInput`, listing the names.
    package static func check(_ name: String) throws(MMError) {
        guard names.contains(name) else { throw unknown(name) }
    }

    /// Returns the environment as the product reads it, translated from a profile's own variables.
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
