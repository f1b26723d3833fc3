import MMCore
import MMIdentity

/// What is said where nobody has consented to what a connection's own app asks for at a service.
enum ConsentAdvice {
    /// The API and its permissions that are missing, with what mends it.
    static func text(_ error: MMError, _ resource: ServiceResource, of connection: String) -> String {
        let number = error.details["aadsts"]?.int.map { " (AADSTS\($0))" } ?? ""
        return "the app of \(connection) has no consent for \(permission(of: resource))\(number). "
            + "Grant it (mm permissions check \(ShellWord.quoted(connection))), or name another app for the module: "
            + "mm connections edit \(ShellWord.quoted(connection)) moduleApps.MODULE=ID."
    }

    /// The error of a module that can't sign in by itself.
    static func error(
        _ error: MMError, _ resource: ServiceResource, module: String, of connection: String
    ) -> MMError {
        var told = error
        told.message =
            "\(module) can't be signed in to with the app of \(connection): it has no consent for "
            + "\(permission(of: resource)). \(error.message)"
        told.hint =
            "Grant the permission (mm permissions check \(ShellWord.quoted(connection)) names it with the link for an "
            + "administrator), or name another app for this module: mm connections edit "
            + "\(ShellWord.quoted(connection)) moduleApps.\(module)=ID."
        return told
    }

    /// An API of the admin centre with the permissions that a module needs there.
    private static func permission(of resource: ServiceResource) -> String {
        let service: ServiceApp? =
            switch resource {
            case .graph: .graph
            case .exchange, .compliance: .exchange
            case .arm: .azure
            case .teams: .teams
            case .sharePoint: .sharePoint
            case .flow: .flow
            case .powerApps, .bap, .powerPlatform: .powerApps
            case .keyVault, .api: nil
            }
        guard let service else { return "\(resource.name)" }
        let needed = ConnectionUse.allCases.lazy.flatMap(\.permissions).first {
            $0.service == service && service != .graph
        }
        return "\(service.title)" + (needed.map { " (\($0.names.joined(separator: ", ")))" } ?? "")
    }
}
